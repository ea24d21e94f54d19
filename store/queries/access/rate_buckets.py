"""Token buckets: how many more a rate allows now, counted in the database, so that every process shares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from store.tables.messages import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How many tokens are wanted of a bucket, which fills by `per_second` up to `burst`; a new one is full.

    `leave` is the share (0 to 1) of a full bucket that is left to those who may take the rest.
    """

    name: str
    per_second: float
    burst: float
    wanted: int
    leave: float = 0.0


def take(session: Session, draws: Sequence[Draw], now: datetime) -> list[int]:
    """Take up to the `wanted` whole tokens of each bucket; return how many were taken of each, 0 perhaps.

    The buckets' rows are held until the transaction ends, and locked in the order of their names.
    """
    query = select(Bucket).where(col(Bucket.name).in_({one.name for one in draws})).order_by(col(Bucket.name))
    rows = {one.name: one for one in session.exec(query.with_for_update()).all()} if draws else {}
    return [_take(session, rows.get(one.name), one, now) for one in draws]


def _take(session: Session, row: Bucket | None, draw: Draw, now: datetime) -> int:
    row = row or Bucket(name=draw.name, tokens=draw.burst, at=now)
    passed = max(0.0, (now - row.at).total_seconds())
    row.tokens = min(draw.burst, row.tokens + passed * draw.per_second)
    row.at = max(row.at, now)
    taken = max(0, min(draw.wanted, int(row.tokens - draw.leave * draw.burst + 1e-9)))
    row.tokens -= taken
    session.add(row)
    return taken


def give_back(session: Session, unused: Mapping[str, int]) -> None:
    """Return tokens of each bucket that were taken and not used; locked in the order of their names."""
    names = [name for name, count in unused.items() if count]
    query = select(Bucket).where(col(Bucket.name).in_(names)).order_by(col(Bucket.name))
    for row in session.exec(query.with_for_update()).all() if names else ():
        row.tokens += unused[row.name]
        session.add(row)
