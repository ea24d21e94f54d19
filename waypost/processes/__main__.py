"""`python -m waypost.processes api|worker`."""

import sys

from waypost.processes.launch import main

sys.exit(main(*sys.argv[1:]))
