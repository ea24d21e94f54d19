"""Token buckets: how many more a rate allows now, counted in the database, so that every process shares them."""

from datetime import datetime

from sqlmodel import Session, select

from store.tables.messages import Bucket


def take(
    session: Session, name: str, *, per_second: float, burst: float, wanted: int, now: datetime, leave: float = 0.0
) -> int:
    """Take up to `wanted` whole tokens, and leave a share (0 to 1) of a full bucket to those who may take the rest.

    A bucket fills by `per_second` up to `burst`; a new one is full. Its row is held until the transaction ends. Returns
    how many were taken, 0 perhaps.
    """
    row = session.exec(select(Bucket).where(Bucket.name == name).with_for_update()).first()
    if row is None:
        row = Bucket(name=name, tokens=burst, at=now)
    passed = max(0.0, (now - row.at).total_seconds())
    row.tokens = min(burst, row.tokens + passed * per_second)
    row.at = max(row.at, now)
    taken = max(0, min(wanted, int(row.tokens - leave * burst + 1e-9)))
    row.tokens -= taken
    session.add(row)
    return taken


def give_back(session: Session, name: str, count: int) -> None:
    """Return tokens that were taken and not used."""
    row = session.exec(select(Bucket).where(Bucket.name == name).with_for_update()).first()
    if row is not None and count:
        row.tokens += count
        session.add(row)
