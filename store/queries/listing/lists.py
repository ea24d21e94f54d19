"""Lists, page by page: filtered, in an order, each page behind the last row of the one before.

Each returns a page of rows, and the cursor behind them where more follow; a filter that is None lets every row through.
All raise `keyset.BadCursor` for a cursor that was given for another list or another order. Every list has an index for
each of its filters (`tests/store/test_plans.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlmodel import Session, col, select

from store import dialect, keyset
from store.queries.definitions import journeys as journey_rows
from store.queries.identity import customer_search
from store.tables.access import ApiKey, Audit, Operation, OperationError, Rejection
from store.tables.approvals import ApprovalRequest
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer, Event, Segment, SegmentMember, Suppression
from store.tables.definitions import Journey, JourneyVersion, TemplateVersion, Topic
from store.tables.enrollments import Dispatch, Enrollment, Hook
from store.tables.messages import Message
from store.tables.users import User


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

    `query_text` is parts of an address or a name, or starts the customer's own id, `stage` is that of their lifecycle,
    `segment` is the key of one that they are in.
    """
    given = customer_search.filters(
        session,
        text=query_text,
        lifecycle=journey_rows.lifecycle_keys(session) if stage else (),
        stage=stage,
        segment=segment,
    )
    order = [col(Customer.email), col(Customer.id)] if sort == "email" else [col(Customer.id)]
    return customer_search.page(session, given, order, wanted.cursor, wanted.limit, descending=wanted.descending)


def enrollments(
    session: Session,
    wanted: Slice,
    *,
    journey: str | None = None,
    stage: str | None = None,
    step: str | None = None,
    status: str | None = None,
    customer_id: str | None = None,
    stuck: bool = False,
) -> Rows:
    """Enrollments in the order in which they were made; `stuck` ones alone where that is asked."""
    given = {"journey": journey, "stage": stage, "step": step, "status": status, "customer_id": customer_id}
    query = _where(session, Enrollment, given, first=("customer_id", "step"))
    query = query.where(col(Enrollment.stuck).is_not(None)) if stuck else query
    return _page(session, query, [col(Enrollment.id)], wanted)


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
    first = ("customer_id", "broadcast", "step", "template", "journey")
    query = _where(session, Message, given, first=first, with_first={"status": first[1:]})
    return _page(session, query, [col(Message.planned_at), col(Message.id)], wanted)


def broadcasts(session: Session, wanted: Slice, *, status: str | None = None) -> Rows:
    """Broadcasts by their keys."""
    return _page(session, _where(session, Broadcast, {"status": status}), [col(Broadcast.key)], wanted)


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


def suppressions(session: Session, wanted: Slice, *, reason: str | None = None, begins: str | None = None) -> Rows:
    """Addresses that are never written to, by the alphabet; `begins` are small letters with which they begin."""
    query, email = _where(session, Suppression, {"reason": reason}), col(Suppression.email)
    query = query.where(email >= begins, email < begins + keyset.LAST) if begins else query
    return _page(session, query, [email], wanted)


def operations(session: Session, wanted: Slice, *, kind: str | None = None, status: str | None = None) -> Rows:
    """Operations in the order in which they were asked for."""
    query = _where(session, Operation, {"kind": kind, "status": status})
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
    query = _where(
        session, Hook, {"customer_id": customer_id, "journey": journey, "status": status}, first=("customer_id",)
    )
    return _page(session, query, [col(Hook.id)], wanted)


def dispatches(session: Session, wanted: Slice, *, status: str | None = None) -> Rows:
    """Starts and signals on their way to Temporal, in the order in which they were made."""
    return _page(session, _where(session, Dispatch, {"status": status}), [col(Dispatch.id)], wanted)


def events(session: Session, wanted: Slice, *, name: str | None = None) -> Rows:
    """Events of everybody in the order in which they came; of one name in the order in which they happened."""
    query = _where(session, Event, {"name": name})
    order: list[Any] = [col(Event.at), col(Event.customer_id), col(Event.seq)] if name is not None else [col(Event.id)]
    return _page(session, query, order, wanted)


def rejections(session: Session, wanted: Slice, *, type: str | None = None) -> Rows:
    """Events that were not accepted, in the order in which they came."""
    return _page(session, _where(session, Rejection, {"type": type}), [col(Rejection.id)], wanted)


def api_keys(session: Session, wanted: Slice) -> Rows:
    """Keys of the API in the order in which they were made."""
    return _page(session, select(ApiKey), [col(ApiKey.id)], wanted)


def users(session: Session, wanted: Slice) -> Rows:
    """Users in the order in which they were made."""
    return _page(session, select(User), [col(User.id)], wanted)


def audit(
    session: Session, wanted: Slice, *, kind: str | None = None, target: str | None = None, actor: str | None = None
) -> Rows:
    """Who changed what, in the order in which they did."""
    query = _where(session, Audit, {"kind": kind, "target": target, "actor": actor})
    return _page(session, query, [col(Audit.id)], wanted)


def approvals(session: Session, wanted: Slice, *, journey: str | None = None, status: str | None = None) -> Rows:
    """Requests that a draft be published, in the order in which they were made."""
    query = _where(session, ApprovalRequest, {"journey": journey, "status": status}, first=("journey",))
    return _page(session, query, [col(ApprovalRequest.id)], wanted)


def _where(
    session: Session,
    table: Any,
    given: Mapping[str, Any],
    first: Sequence[str] = (),
    with_first: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Any:
    """The rows of a table that have what is given.

    `first` are the columns that find fewest rows, the best first: the index is that of the first of them that is given,
    and the other filters are compared, but for those that share an index with it (`with_first`).
    """
    query, beside = select(table), dialect.of(session).beside
    lead = next((name for name in first if given[name] is not None), None)
    for name, value in given.items():
        column = getattr(table, name)
        found = lead in (None, name) or lead in with_first.get(name, ())
        if value is not None:
            query = query.where((column if found else beside(column)) == value)
    return query


def _page(session: Session, query: Any, columns: Sequence[Any], wanted: Slice) -> Rows:
    return keyset.page(session, query, columns, wanted.cursor, wanted.limit, descending=wanted.descending)
