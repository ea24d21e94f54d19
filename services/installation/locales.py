"""Which language a customer reads: the attribute `locale` (or `language`), then the installation's own."""

import re
from collections.abc import Mapping
from typing import Any

TAG = re.compile(r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_.@].*)?$")
"""What people write: `de`, `de_AT`, `zh-hant-tw`, `de_AT.UTF-8`. The language, the script, the region."""

TAGS = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
"""A tag as it is kept: `de`, `de-AT`, `zh-Hant-TW`."""


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
    parts = own.split("-") if own else []
    chain = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return (*chain, default)
