"""`python -m waypost.cli`."""

from waypost.cli.main import main

main()
