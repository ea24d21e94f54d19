"""Customers with a value in an attribute, as somebody looks for them: walked in their order, so many at a time.

No index has what customers may be told to be, so a look ends behind LOOKED of them and says so; the next goes on there.
Whoever wants all of them, however many there are, makes a segment, which is kept as they change.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlmodel import Session

from store import keyset
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.tables.customers import Customer

LOOKED = 2_000
"""Customers of one look: some hundred milliseconds."""

AT_ONCE = 500
"""Of these in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCustomers:
    """What is looked for: an `attribute` (or a part of one: `address.city`) with this `value`; empty, with any."""

    attribute: str
    value: str = ""
    text: str | None = None
    stage: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeLook:
    """Who was found, among how many that were looked through, and the cursor behind them; None at the end."""

    found: Sequence[Customer]
    looked: int
    cursor: str | None


def look(session: Session, wanted: WantedCustomers, page: Slice) -> AttributeLook:
    """A page of them, or as many as one look has found; raise `keyset.BadCursor`."""
    found, looked, cursor = list[Customer](), 0, page.cursor
    while looked < LOOKED:
        rows, cursor = lists.customers(
            session, Slice(cursor=cursor, limit=AT_ONCE, descending=page.descending), query_text=wanted.text,
            stage=wanted.stage, segment=wanted.segment, sort="created",
        )  # fmt: skip
        for one in rows:
            looked += 1
            if holds(one.attributes, wanted.attribute, wanted.value):
                found.append(one)
                if len(found) == page.limit:
                    more = cursor is not None or one is not rows[-1]
                    behind = keyset.write([one.id], ["id"], page.descending) if more else None
                    return AttributeLook(found=found, looked=looked, cursor=behind)
        if cursor is None:
            break
    return AttributeLook(found=found, looked=looked, cursor=cursor)


def holds(attributes: Mapping[str, Any], attribute: str, value: str) -> bool:
    """Whether an attribute is there and has this value (empty: any), in whatever case; of a list, one of it."""
    found = _part(attributes, attribute)
    if found is None or not value.strip():
        return found is not None
    several = cast(list[Any], found) if isinstance(found, list) else [found]
    return any(_as_typed(one).casefold() == value.strip().casefold() for one in several)


def _part(attributes: Any, name: str) -> Any:
    """An attribute by its name, else a part of one by its path."""
    if not isinstance(attributes, dict):
        return None
    known = cast(dict[str, Any], attributes)
    if name in known:
        return known[name]
    first, _, rest = name.partition(".")
    return _part(known.get(first), rest) if rest else None


def _as_typed(value: Any) -> str:
    """A value as somebody types it: `true`, `5`, `Berlin`."""
    if isinstance(value, str):
        return value.strip()
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
