"""`python -m waypost.processes api|worker`."""

import sys

from waypost.process_end import end
from waypost.processes.launch import main

if (status := main(*sys.argv[1:])) != 0:
    end(status)
