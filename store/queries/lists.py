"""Lists, page by page: filtered, in an order, each page behind the last row of the one before.

Each returns a page of rows, and the cursor behind them where more follow; a filter that is None lets every row through.
All raise `keyset.BadCursor` for a cursor that was given for another list or another order. Every list has an index for
each of its filters (`tests/store/test_plans.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from store import keyset
from store.queries import journeys as journey_rows
from store.statuses import EnrollmentStatus
from store.tables.access import ApiKey, Audit, Operation, OperationError, Rejection
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer, Segment, SegmentMember, Suppression
from store.tables.definitions import Journey, JourneyVersion, TemplateVersion, Topic
from store.tables.enrollments import Dispatch, Enrollment, Hook
from store.tables.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which page is wanted: behind `cursor`, at most `limit` rows, the newest first where `descending`."""

    cursor: str | None = None
    limit: int = 50
    descending: bool = False


Rows = tuple[Sequence[Any], str | None]
"""A page of a table's rows, and the cursor behind them; None at the end of the list."""


def customers(
    session: Session, wanted: Slice, *, query_text: str | None, stage: str | None, segment: str | None, sort: str
) -> Rows:
    """Customers in the order in which they came, or (`sort="email"`) those with an address in the order of these.

    `query_text` starts an address or the customer's own id, `stage` is that of their lifecycle, `segment` is the key of
    one that they are in.
    """
    query = select(Customer)
    if query_text:
        start = query_text.strip()
        query = query.where(
            col(Customer.email).startswith(start.lower(), autoescape=True)
            | col(Customer.external_id).startswith(start, autoescape=True)
        )
    if stage:
        there = select(Enrollment.customer_id).where(
            col(Enrollment.journey).in_(journey_rows.lifecycle_keys(session)),
            Enrollment.status == EnrollmentStatus.LIVE,
            Enrollment.stage == stage,
        )
        query = query.where(col(Customer.id).in_(there))
    if segment:
        members = select(SegmentMember.customer_id).where(SegmentMember.segment == segment)
        query = query.where(col(Customer.id).in_(members))
    if sort == "email":
        query = query.where(col(Customer.email).is_not(None))
        return _page(session, query, [col(Customer.email), col(Customer.id)], wanted)
    return _page(session, query, [col(Customer.id)], wanted)


def enrollments(
    session: Session,
    wanted: Slice,
    *,
    journey: str | None = None,
    stage: str | None = None,
    step: str | None = None,
    status: str | None = None,
    customer_id: str | None = None,
) -> Rows:
    """Enrollments in the order in which they were made."""
    given = {"journey": journey, "stage": stage, "step": step, "status": status, "customer_id": customer_id}
    return _page(session, _where(select(Enrollment), Enrollment, given), [col(Enrollment.id)], wanted)


def messages(
    session: Session,
    wanted: Slice,
    *,
    customer_id: str | None = None,
    journey: str | None = None,
    broadcast: str | None = None,
    step: str | None = None,
    status: str | None = None,
    template: str | None = None,
) -> Rows:
    """Messages by the instant at which they were planned; without their bodies."""
    given = {
        "customer_id": customer_id,
        "journey": journey,
        "broadcast": broadcast,
        "step": step,
        "status": status,
        "template": template,
    }
    query = _where(select(Message), Message, given)
    return _page(session, query, [col(Message.planned_at), col(Message.id)], wanted)


def broadcasts(session: Session, wanted: Slice, *, status: str | None = None) -> Rows:
    """Broadcasts by their keys."""
    return _page(session, _where(select(Broadcast), Broadcast, {"status": status}), [col(Broadcast.key)], wanted)


def journeys(session: Session, wanted: Slice, *, archived: bool = False) -> Rows:
    """Journeys by their keys; `archived` ones too."""
    query = select(Journey) if archived else select(Journey).where(col(Journey.archived_at).is_(None))
    return _page(session, query, [col(Journey.key)], wanted)


def versions(session: Session, wanted: Slice, key: str) -> Rows:
    """Published versions of a journey, by their numbers."""
    query = select(JourneyVersion).where(JourneyVersion.journey == key)
    return _page(session, query, [col(JourneyVersion.number)], wanted)


def template_versions(session: Session, wanted: Slice, key: str) -> Rows:
    """Versions of a template, by their numbers."""
    query = select(TemplateVersion).where(TemplateVersion.key == key)
    return _page(session, query, [col(TemplateVersion.number)], wanted)


def segments(session: Session, wanted: Slice) -> Rows:
    """Segments by their keys."""
    return _page(session, select(Segment), [col(Segment.key)], wanted)


def members(session: Session, wanted: Slice, key: str) -> Rows:
    """Who is in a segment, by the customers' internal ids."""
    query = select(SegmentMember).where(SegmentMember.segment == key)
    return _page(session, query, [col(SegmentMember.customer_id)], wanted)


def topics(session: Session, wanted: Slice) -> Rows:
    """Topics by their keys."""
    return _page(session, select(Topic), [col(Topic.key)], wanted)


def suppressions(session: Session, wanted: Slice, *, reason: str | None = None) -> Rows:
    """Addresses that are never written to, by the alphabet."""
    query = _where(select(Suppression), Suppression, {"reason": reason})
    return _page(session, query, [col(Suppression.email)], wanted)


def operations(session: Session, wanted: Slice, *, kind: str | None = None, status: str | None = None) -> Rows:
    """Operations in the order in which they were asked for."""
    query = _where(select(Operation), Operation, {"kind": kind, "status": status})
    return _page(session, query, [col(Operation.id)], wanted)


def operation_errors(session: Session, wanted: Slice, operation_id: str) -> Rows:
    """The lines of a file that were not taken, by their numbers."""
    query = select(OperationError).where(OperationError.operation_id == operation_id)
    return _page(session, query, [col(OperationError.line)], wanted)


def hooks(
    session: Session,
    wanted: Slice,
    *,
    customer_id: str | None = None,
    journey: str | None = None,
    status: str | None = None,
) -> Rows:
    """Webhooks and notes to colleagues, in the order in which they were made."""
    query = _where(select(Hook), Hook, {"customer_id": customer_id, "journey": journey, "status": status})
    return _page(session, query, [col(Hook.id)], wanted)


def dispatches(session: Session, wanted: Slice, *, status: str | None = None) -> Rows:
    """Starts and signals on their way to Temporal, in the order in which they were made."""
    return _page(session, _where(select(Dispatch), Dispatch, {"status": status}), [col(Dispatch.id)], wanted)


def rejections(session: Session, wanted: Slice, *, type: str | None = None) -> Rows:
    """Events that were not accepted, in the order in which they came."""
    return _page(session, _where(select(Rejection), Rejection, {"type": type}), [col(Rejection.id)], wanted)


def api_keys(session: Session, wanted: Slice) -> Rows:
    """Keys of the API in the order in which they were made."""
    return _page(session, select(ApiKey), [col(ApiKey.id)], wanted)


def audit(
    session: Session, wanted: Slice, *, kind: str | None = None, target: str | None = None, actor: str | None = None
) -> Rows:
    """Who changed what, in the order in which they did."""
    query = _where(select(Audit), Audit, {"kind": kind, "target": target, "actor": actor})
    return _page(session, query, [col(Audit.id)], wanted)


def _where(query: Any, table: Any, given: dict[str, Any]) -> Any:
    for name, value in given.items():
        if value is not None:
            query = query.where(getattr(table, name) == value)
    return query


def _page(session: Session, query: Any, columns: Sequence[Any], wanted: Slice) -> Rows:
    return keyset.page(session, query, columns, wanted.cursor, wanted.limit, descending=wanted.descending)
