"""The one reader of time zones: names of the IANA database, however they are spelt, and Windows' own names.

An abbreviation that is no name there (`PST`) and an offset (`+02:00`) are no zones: neither knows of summer time.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

LONGEST = 64
"""Characters of a zone's name: twice what the longest has."""

_UNSAID = re.compile(r"[\s_]+")
_NO_PLACES = frozenset({"Factory"})
"""What stands in the database and is nobody's time."""


def read(value: object) -> str | None:
    """The IANA name of the zone that a value names, or None where it names none. It never raises."""
    return _read(value) if isinstance(value, str) and 0 < len(value) <= LONGEST else None


@lru_cache(maxsize=2_048)
def _read(text: str) -> str | None:
    plain = _plain(text)
    return _names().get(plain) or _windows().get(plain)


def nearest(text: str) -> str | None:
    """The zone of which this is the end (`Berlin`), where there is one alone: what was meant, and not what was said."""
    found = {name for key, name in _names().items() if key.rpartition("/")[2] == _plain(text)}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """The name without what people spell in several ways: blanks, underscores, the slash, capitals."""
    return _UNSAID.sub("", text).replace("\\", "/").casefold()


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """All names, by their plain form; the list comes with the data that zones are read from."""
    listed = (resources.files("tzdata") / "zones").read_text("ascii").split()
    return {_plain(name): name for name in listed if name not in _NO_PLACES}


@lru_cache(maxsize=1)
def _windows() -> Mapping[str, str]:
    """Windows' names, by their plain form: the table of CLDR, as Babel brings it."""
    from babel.core import get_global  # 4 MB, for names that are rarely met

    table: Mapping[str, str] = get_global("windows_zone_mapping")
    return {_plain(name): zone for name, zone in table.items()}
