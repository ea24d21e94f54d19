"""`python -m waypost.processes api|worker`."""

import sys

from waypost.processes.commands import main

sys.exit(main(*sys.argv[1:]))
