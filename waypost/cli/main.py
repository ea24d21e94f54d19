"""Where the command line begins. Exit status: 0 well, 1 refused or failed, 2 wrong usage.

The version is told without reading a single command: a script asks for it at every turn.
"""

import sys

from waypost import __version__
from waypost.process_end import end


def main() -> None:
    """The entry point."""
    if sys.argv[1:] == ["--version"]:
        print(__version__)
        return
    from waypost.cli.app import app

    try:
        app()
    except SystemExit as ended:
        if ended.code or "temporalio" in sys.modules:
            if isinstance(ended.code, str):
                raise
            end(ended.code or 0)
        raise
