"""Broadcasts written, counted, let go and stopped, on record: for the API's calls and for the pages' forms."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend
from api.edge.shown_operations import operation_out
from api.schemas.broadcasts import AudienceOut, BroadcastOut, BroadcastProgress, VariantOut
from api.schemas.operations import OperationOut
from services import values
from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.definitions.pausing import send_hours
from services.operations import operations
from services.upkeep.clocks import broadcast_clock
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.figures import message_counts
from store.statuses import ON_THE_WAY, BroadcastStatus
from store.tables.broadcasts import Broadcast


def put(
    session: Session,
    trail: Trail,
    parts: Backend,
    key: str,
    body: BroadcastIn,
    now: datetime,
    check: Callable[[BroadcastOut | None], None],
) -> BroadcastOut:
    """Create or change a draft; `check` raises where the present one is not what its author has seen."""
    values.check_values(body.model_dump(mode="json"))
    broadcasts.check_subjects(body, parts.beside_store.judge_text)
    before = present(session, key)
    check(before)
    send_hours.check_terms(session, body.terms())
    after = shown(broadcasts.put(session, key, body, parts.templates(), now))
    trail.note("changed" if before else "created", "broadcast", key, before, after)
    return after


def delete(session: Session, trail: Trail, key: str) -> None:
    """Remove a draft; raise Refused where it was sent."""
    before = shown(broadcasts.get(session, key))
    broadcasts.delete(session, key)
    trail.note("removed", "broadcast", key, before)


def count(session: Session, trail: Trail, key: str, by: str, now: datetime) -> OperationOut:
    """Start to count who would get it; nothing is sent."""
    broadcasts.get(session, key)
    operation = operations.start(session, broadcast_clock.PREVIEW, {"broadcast": key}, now, by=by)
    told = operation_out(operation, now)
    trail.note("previewed", "broadcast", key, after=told)
    return told


def send(session: Session, trail: Trail, key: str, now: datetime) -> BroadcastOut:
    """Now, or when its time has come."""
    return _changed(session, trail, "sent", key, lambda: broadcasts.schedule(session, key, now))


def pause(session: Session, trail: Trail, key: str, now: datetime) -> BroadcastOut:
    """Who has the mail has it; the rest waits."""
    return _changed(session, trail, "paused", key, lambda: broadcasts.pause(session, key, now))


def resume(session: Session, trail: Trail, key: str, now: datetime) -> BroadcastOut:
    """Mail that has expired meanwhile is skipped."""
    return _changed(session, trail, "resumed", key, lambda: broadcasts.resume(session, key, now))


def cancel(session: Session, trail: Trail, key: str, by: str, now: datetime) -> BroadcastOut:
    """At once; an operation says of every mail that has not gone that it never goes."""
    after = _changed(session, trail, "cancelled", key, lambda: broadcasts.cancel(session, key, now))
    operations.start(session, broadcast_clock.CANCEL, {"broadcast": key}, now, by=by)
    return after


def choose(session: Session, trail: Trail, key: str, variant: str, now: datetime) -> BroadcastOut:
    """Everybody else gets that variant at once."""
    return _changed(
        session, trail, f"chose {variant}", key, lambda: broadcasts.choose_winner(session, key, variant, now)
    )  # fmt: skip


def _changed(session: Session, trail: Trail, action: str, key: str, change: Callable[[], Broadcast]) -> BroadcastOut:
    """Do it, with what the broadcast was before and is now on record."""
    before = shown(broadcasts.get(session, key))
    after = shown(change())
    trail.note(action, "broadcast", key, before, after)
    return after


# -- shapes ------------------------------------------------------------------------------------------------------------


def present(session: Session, key: str) -> BroadcastOut | None:
    """How it stands; None where there is none."""
    found = session.get(Broadcast, key)
    return shown(found) if found is not None else None


def shown(row: Broadcast) -> BroadcastOut:
    """A broadcast as it is put on record, and as the API tells it."""
    return BroadcastOut(**{name: getattr(row, name) for name in BroadcastOut.model_fields})


def progress(session: Session, row: Broadcast, now: datetime) -> BroadcastProgress:
    """With its numbers, the rate since it started, and the time that is left at that rate."""
    counts = message_counts.of_broadcast(session, row.key)
    began = max(row.start_at, row.created_at) if row.start_at else None
    elapsed = ((row.finished_at or now) - began).total_seconds() if began else 0.0
    rate = round(counts.get("accepted", 0) / elapsed, 1) if elapsed > 0 else None
    left = sum(counts.get(status, 0) for status in ON_THE_WAY)
    return BroadcastProgress(
        **shown(row).model_dump(),
        named=broadcast_rows.count_named(session, row.key),
        audience=AudienceOut(**row.audience) if row.audience else None,
        messages=counts,
        rate=rate,
        seconds_left=round(left / rate) if rate and left and row.status != BroadcastStatus.CANCELLED else None,
        variants={
            name: VariantOut(**one)
            for name, one in broadcasts.results(session, row.key, list(broadcasts.body_of(row).variants)).items()
        },
    )
