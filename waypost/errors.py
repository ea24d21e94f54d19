"""Why a command cannot do its work.

CannotStart             a sentence that says what to do
"""


class CannotStart(Exception):
    """Nothing was started."""
