"""Pages of a list: each goes on behind the last row of the one before, however the list has changed meanwhile.

A cursor holds the last row's place in the order; whoever gets it need not understand it.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Integer, and_, or_
from sqlmodel import Session

from store.types import Instant

LAST = "\U0010ffff"
"""Sorts behind whatever else a text may go on with."""


class BadCursor(ValueError):
    """A cursor that was not given out for this list in this order."""


def page(
    session: Session, query: Any, columns: Sequence[Any], cursor: str | None, limit: int, *, descending: bool = False
) -> tuple[Sequence[Any], str | None]:
    """The next rows in the order of `columns` (the last of them unique), and the cursor behind them, if more follow.

    One row more than `limit` is read, to know that. Raise BadCursor where the cursor is not of this order.
    """
    names = [column.key for column in columns]
    if cursor:
        kinds = [_kind(column.type) for column in columns]
        query = query.where(behind(columns, read(cursor, names, kinds, descending), descending))
    order = [column.desc() if descending else column for column in columns]
    rows = session.exec(query.order_by(*order).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write([getattr(last, name) for name in names], names, descending)


def _kind(column_type: Any) -> type:
    """What the values of a column are."""
    if isinstance(column_type, Instant):
        return datetime
    return int if isinstance(column_type, Integer) else str


def behind(columns: Sequence[Any], values: Sequence[Any], descending: bool) -> Any:
    """That a row stands behind these values.

    It is (a, b) > (x, y), written out: a >= x, where the index begins, and (a > x or (a = x and b > y)).
    """
    ways: list[Any] = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [one == known for one, known in zip(columns[:place], values[:place], strict=True)]
        ways.append(and_(*same, column < value if descending else column > value))
    first, start = columns[0], values[0]
    return and_(first <= start if descending else first >= start, or_(*ways))


def write(values: Sequence[Any], names: Sequence[str], descending: bool) -> str:
    """A cursor, which says for which order it was made: base64 of JSON, safe in a URL."""
    kept = [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    packed = orjson.dumps(["-" * descending + ",".join(names), *kept])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read(cursor: str, names: Sequence[str], kinds: Sequence[type], descending: bool) -> list[Any]:
    """The values of a cursor made for this order, each of its column's kind; raise BadCursor for anything else."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        order, *values = orjson.loads(packed)
        found = [datetime.fromisoformat(one["at"]) if isinstance(one, dict) else one for one in values]
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError):
        raise BadCursor("this is no cursor that we gave") from None
    fits = len(found) == len(kinds) and all(map(_usable, found, kinds))
    if order != "-" * descending + ",".join(names) or not fits:
        raise BadCursor("this cursor was given for another list or another order")
    return found


def _usable(value: Any, kind: type) -> bool:
    """Nothing that a database would refuse."""
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return "\0" not in value if isinstance(value, str) else abs(value) < 2**63
