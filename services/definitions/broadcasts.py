"""Broadcasts: one mail to a segment, or to whom a file names; now, at an instant, or at an hour of each one's clock.

    draft → scheduled → planning → sending → sent          cancelled from anywhere before `sent`
                           ↑ winner ↓ (an A/B test)
                           deciding

Who gets it is worked out when it starts, page by page, by an operation. A pause stops the lane at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.checks.texts import JudgeText
from journeys.facts import calendar
from services.customers.audiences import segments
from services.definitions.broadcast_definition import BroadcastIn, Metric
from services.errors import InvalidInput, NotFound, Refused
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.figures import message_counts
from store.queries.upkeep import backfills
from store.statuses import BROADCAST_ACTIVE, BroadcastStatus
from store.tables.broadcasts import Broadcast
from store.tables.customers import Segment

EASTMOST = timedelta(hours=14)
"""How far ahead of UTC the first clock is (Kiribati): there a local hour comes first, and so does the broadcast."""

LOOK_EVERY = timedelta(seconds=2)
"""How often it is asked whether the last mail has gone, or who is in the segment is known: one look into an index."""

FEW = 30
"""Mails of a variant that must have arrived before a difference decides anything: below it one click more is chance."""

METRICS: Sequence[Metric] = ("opened", "clicked")
"""All that variants can be judged by."""


def get(session: Session, key: str) -> Broadcast:
    """A broadcast; raise NotFound."""
    found = session.get(Broadcast, key)
    if found is None:
        raise NotFound(f"there is no broadcast {key!r}")
    return found


def put(session: Session, key: str, body: BroadcastIn, known: frozenset[str], now: datetime) -> Broadcast:
    """Create or change a draft; `known` are the templates that there are.

    Raise Refused where it is no draft any more, InvalidInput where a template or the segment is not there.
    """
    row = session.get(Broadcast, key) or Broadcast(key=key, created_at=now, updated_at=now)
    if row.status != BroadcastStatus.DRAFT:
        raise Refused(f"the broadcast is {row.status}; only a draft is changed")
    for template in body.templates():
        if template not in known:
            raise InvalidInput(f"there is no template {template!r}", "template")
    if body.segment is not None and session.get(Segment, body.segment) is None:
        raise InvalidInput(f"there is no segment {body.segment!r}", "segment")
    row.body, row.updated_at, row.audience = body.model_dump(mode="json", by_alias=True), now, None
    session.add(row)
    session.flush()
    return row


def check_subjects(body: BroadcastIn, judge: JudgeText | None) -> None:
    """Raise InvalidInput where a subject could be filled in for nobody: its syntax, or a name that nobody knows."""
    if judge is None:
        return
    for field, text in body.subjects().items():
        judged = judge(text, "subject")
        wrong = [judged.problem] if judged.problem else [one.told for one in judged.unknown if not one.guarded]
        if wrong:
            raise InvalidInput("; ".join(wrong), field)


def body_of(row: Broadcast) -> BroadcastIn:
    """What was asked for."""
    return BroadcastIn.model_validate(row.body)


def about(session: Session, topic: str) -> bool:
    """Whether any broadcast is about this topic."""
    return any(body_of(row).topic == topic for row in broadcast_rows.every_one(session))


def delete(session: Session, key: str) -> None:
    """Remove a draft, and whom a file named for it. Raise Refused where it was sent: that stays on record."""
    row = get(session, key)
    if row.status != BroadcastStatus.DRAFT:
        raise Refused(f"the broadcast is {row.status}; only a draft is removed")
    broadcast_rows.forget_named(session, key)
    session.delete(row)


def schedule(session: Session, key: str, now: datetime) -> Broadcast:
    """Let it go: now, or when its time has come, with `local` when that hour comes to the first clock on earth.

    Raise Refused where it is no draft, or has nobody to go to.
    """
    row = get(session, key)
    if row.status != BroadcastStatus.DRAFT:
        raise Refused(f"the broadcast is {row.status} already")
    body = body_of(row)
    if body.segment is None and not broadcast_rows.count_named(session, key):
        raise Refused("name a segment, or import recipients first", "segment")
    at = body.instant()
    if at is not None and body.local:
        row.start_at = row.wake_at = max(now, calendar.resolve(at, calendar.zone_of("UTC")) - EASTMOST)
    else:
        row.start_at = row.wake_at = max(now, at) if at is not None else now
    row.status, row.updated_at = BroadcastStatus.SCHEDULED, now
    session.add(row)
    return row


def accepting_recipients(session: Session, key: str) -> Broadcast:
    """A draft without a segment: a file may name whom it is for. Raise Refused where it is anything else."""
    row = get(session, key)
    if row.status != BroadcastStatus.DRAFT or body_of(row).segment is not None:
        raise Refused("only a draft without a segment takes recipients")
    return row


def pause(session: Session, key: str, now: datetime) -> Broadcast:
    """Stop the lane; who has the mail has it. Raise Refused where it is paused, or has nothing to stop."""
    row = get(session, key)
    if row.status not in (BroadcastStatus.SCHEDULED, *BROADCAST_ACTIVE) or row.paused_at is not None:
        raise Refused(f"the broadcast is {'paused' if row.paused_at else row.status} already")
    row.paused_at = row.updated_at = now
    session.add(row)
    return row


def resume(session: Session, key: str, now: datetime) -> Broadcast:
    """Go on where it stopped, its alarm forgotten. Raise Refused where it is not paused."""
    row = get(session, key)
    if row.paused_at is None:
        raise Refused("the broadcast is not paused")
    row.paused_at, row.updated_at, row.alarm = None, now, None
    row.wake_at = now if row.status == BroadcastStatus.PLANNING else row.wake_at
    session.add(row)
    return row


def cancel(session: Session, key: str, now: datetime) -> Broadcast:
    """Never send what has not gone yet; the caller starts the operation that says so of every mail.

    Raise Refused where it is a draft, sent, or cancelled.
    """
    row = get(session, key)
    if row.status not in (BroadcastStatus.SCHEDULED, *BROADCAST_ACTIVE):
        raise Refused(f"the broadcast is {row.status}; it cannot be cancelled")
    row.status, row.paused_at, row.wake_at, row.updated_at, row.finished_at = (
        BroadcastStatus.CANCELLED,
        None,
        None,
        now,
        now,
    )
    session.add(row)
    return row


def choose_winner(session: Session, key: str, variant: str, now: datetime) -> Broadcast:
    """A person says which variant wins; the rest gets it at once.

    Raise Refused where nothing is to be decided (any more), InvalidInput where there is no such variant.
    """
    row = get(session, key)
    if row.status != BroadcastStatus.DECIDING:
        raise Refused(f"the broadcast is {row.status}; a winner is chosen while it is deciding")
    if variant not in body_of(row).variants:
        raise InvalidInput(f"there is no variant {variant!r}", "variant")
    row.winner, row.wake_at, row.updated_at = variant, now, now
    session.add(row)
    return row


# -- what is known of it -----------------------------------------------------------------------------------------------


def results(session: Session, key: str, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Per variant: how many were accepted, and what people (not machines) did with them; from the kept counts."""
    accepted, came = message_counts.accepted_by_variant(session, key), message_counts.came_back_by_variant(session, key)
    return {
        name: {"accepted": accepted.get(name, 0), **{metric: came.get((name, metric), 0) for metric in METRICS}}
        for name in names
    }


def leading_variant(session: Session, row: Broadcast) -> str:
    """The variant with the largest share; where too few have arrived, or all are alike, the first that was named."""
    body = body_of(row)
    metric: Metric = body.test.winner if body.test else "clicked"
    shares = {
        name: one[metric] / one["accepted"] if one["accepted"] >= FEW else 0.0
        for name, one in results(session, row.key, list(body.variants)).items()
    }
    return max(shares, key=lambda name: shares[name])


def is_segment_pending(session: Session, row: Broadcast) -> bool:
    """Whether it is still being worked out who is in its segment."""
    segment = body_of(row).segment
    return segment is not None and backfills.under_way(session, segments.KIND, segment)


def using_template(session: Session, template: str) -> list[str]:
    """Broadcasts that will send a template."""
    return [row.key for row in broadcast_rows.unfinished(session) if template in body_of(row).templates()]
