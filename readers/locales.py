"""Which language a customer reads: the attribute `locale` (or `language`), then the installation's own."""

import re
from collections.abc import Mapping
from typing import Any

TAG = re.compile(r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_.@].*)?$")
"""What people write: `de`, `de_AT`, `zh-hant-tw`, `de_AT.UTF-8`. The language, the script, the region."""

TAGS = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
"""A tag as it is kept: `de`, `de-AT`, `zh-Hant-TW`."""

LONGEST = 200
"""Characters of an `Accept-Language` that are read: browsers send some dozens."""

_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)")


def tag(value: Any) -> str | None:
    """A tag in its usual form, `de-AT`; None where it is none."""
    found = TAG.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    language, script, region = found.groups()
    parts = (language.lower(), script.title() if script else None, region.upper() if region else None)
    return "-".join(one for one in parts if one)


def wanted(attributes: Mapping[str, Any], default: str) -> tuple[str, ...]:
    """The tags to look for, the best first: the customer's, each shorter by a part, and last the installation's."""
    own = tag(attributes.get("locale")) or tag(attributes.get("language"))
    return (*_shortened(own), default)


def accepted(header: str) -> tuple[str, ...]:
    """The tags of an `Accept-Language` (RFC 9110, 12.5.4), the best first; what cannot be read is left out."""
    weighed = [_weighed(one) for one in header[:LONGEST].split(",")]
    liked = sorted((one for one in weighed if one[0] > 0), key=lambda one: -one[0])
    return tuple(dict.fromkeys(short for _, own in liked for short in _shortened(own)))


def _weighed(said: str) -> tuple[float, str | None]:
    name, _, weight = said.partition(";")
    found = _WEIGHT.fullmatch(weight.strip())
    return (float(found[1]) if found else 1.0), tag(name)


def _shortened(own: str | None) -> list[str]:
    """The tag, and what it is without its last part, and so on."""
    parts = own.split("-") if own else []
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
