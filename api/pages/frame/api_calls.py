"""The call of the API that shows what a page shows, with the filters of the page."""

from urllib.parse import urlencode


def shown_by(path: str, **given: object) -> str:
    """The path with what was asked for; what is empty is left out."""
    said = {name: value if value is not True else "true" for name, value in given.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
