"""Planning a broadcast in bulk: a page of customers at a time, the policies asked of each, rows into its lane.

The lane asks again when it claims. A preview asks the same questions and stores nothing.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from journeys.facts import calendar, touches
from journeys.program.send_terms import SendTerms
from journeys.rules import policy
from journeys.rules.policy import Allowed, Deferred, Skipped, Verdict
from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.messages.deciding.eligibility import Recipients
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork, add_counts
from services.values import Clock
from store import bulk
from store.ids import message_of_broadcast
from store.queries.audiences import segments
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.enrollment import decisions
from store.queries.identity import customers
from store.queries.mails import messages
from store.queries.sending.lanes import BROADCAST
from store.session import Database
from store.statuses import BroadcastStatus, MessageStatus
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer

PAGE = 500
"""Customers in one transaction, asked all together: a handful of statements, whoever they are."""

SOON = 0.5
"""Seconds between two looks whether it is known who is in the segment."""

Pass = Literal["all", "sample", "rest"]
"""Who is planned: everybody, the sample of a test, or who was not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMail:
    """One customer's mail: which variant, when it is due, and what the policies say of that instant.

    `why` is what the decision says beside the reason.
    """

    customer: Customer
    variant: str | None
    due: datetime
    verdict: Verdict
    why: Mapping[str, Any] = field(default_factory=dict[str, Any])


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Plan a page of the audience at a time."""
    held: list[Broadcast] = []  # so that the session knows it for as long as a page lasts
    while True:
        yield ItemPage(
            items=lambda session: _to_plan(session, operation, held),
            do=lambda session, ids: _plan_page(session, operation, ids, clock()),
            fail=lambda session, one, error: _not_planned(session, operation, one, error, clock()),
            finish=lambda session: _finish(session, operation, clock()),
        )


def preview(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Count who would get it and who would not, by reason; where the segment is new, when it is known who is in it."""
    while _unready(database, operation):
        time.sleep(SOON)
        yield lambda session: Done(count=0, note="it is being worked out who is in the segment")
    while True:
        yield ItemPage(
            items=lambda session: _next_of_audience(session, operation),
            do=lambda session, ids: _preview(session, operation, ids, clock()),
            fail=lambda session, one, error: one_failed(session, operation, one, error),
        )


def _unready(database: Database, operation: Operation) -> bool:
    with database.reading() as session:
        row = session.get(Broadcast, operation.request["broadcast"])
        return row is not None and broadcasts.is_segment_pending(session, row)


def audience(session: Session, row: Broadcast, after: str, limit: int) -> Sequence[str]:
    """A page of the customers it is for, in the order of their ids."""
    segment = broadcasts.body_of(row).segment
    if segment is not None:
        return segments.member_ids(session, segment, after, limit)
    return broadcast_rows.named_ids(session, row.key, after, limit)


def _next_of_audience(session: Session, operation: Operation) -> Sequence[str]:
    row = session.get(Broadcast, operation.request["broadcast"])
    current = session.get(Operation, operation.id) or operation
    return audience(session, row, current.cursor, PAGE) if row is not None else []


def _in_planning(session: Session, operation: Operation) -> Broadcast | None:
    row = session.get(Broadcast, operation.request["broadcast"])
    return row if row is not None and row.status == BroadcastStatus.PLANNING else None


def _to_plan(session: Session, operation: Operation, held: list[Broadcast]) -> Sequence[str]:
    row = _in_planning(session, operation)
    held[:] = [row] if row is not None else []
    return _next_of_audience(session, operation) if row is not None else []


def _plan_page(session: Session, operation: Operation, ids: Sequence[str], now: datetime) -> Done:
    row, which = _in_planning(session, operation), operation.request["pass"]
    current = session.get(Operation, operation.id) or operation
    candidates = _candidates(session, row, ids, which, locked=True) if row is not None else []
    plans = _plans(session, row, candidates, which, now) if row is not None else []
    if row is not None:
        _write(session, row, plans, now)
    return Done(count=len(ids), cursor=ids[-1], result=_counts(current, plans))


def _not_planned(session: Session, operation: Operation, one: str, error: Exception, now: datetime) -> Done:
    """This customer gets no mail of it, on record."""
    key, because = operation.request["broadcast"], type(error).__name__
    detail = {"broadcast": key, "reason": "unexpected_error", "because": because}
    decisions.add(session, [decisions.row(one, "skipped", detail, now)])
    return one_failed(session, operation, one, error)


def _finish(session: Session, operation: Operation, now: datetime) -> None:
    row = _in_planning(session, operation)
    if row is not None:
        _planned(session, row, operation.request["pass"], session.get(Operation, operation.id) or operation, now)


def _preview(session: Session, operation: Operation, ids: Sequence[str], now: datetime) -> Done:
    row = broadcasts.get(session, operation.request["broadcast"])
    current = session.get(Operation, operation.id) or operation
    plans = _plans(session, row, _candidates(session, row, ids, "all", locked=False), "all", now)
    return Done(count=len(ids), cursor=ids[-1], result=_counts(current, _not_counted(session, row, plans, ids[0], now)))


def _not_counted(
    session: Session, row: Broadcast, plans: Sequence[PlannedMail], first: str, now: datetime
) -> Sequence[PlannedMail]:
    """The plans of a preview's page, without the inboxes that a page before it has counted.

    A preview keeps nothing, so those of their profiles who came before `first` are asked about again.
    """
    going = {one.customer.email for one in plans if one.customer.email and not isinstance(one.verdict, Skipped)}
    before = _in_audience(session, row, customers.ids_at_addresses_before(session, going, first))
    planned = _plans(session, row, _candidates(session, row, before, "all", locked=False), "all", now) if before else []
    counted = {one.customer.email for one in planned if not isinstance(one.verdict, Skipped)}
    return [
        replace(one, verdict=Skipped("repeated"), why={})
        if one.customer.email in counted and not isinstance(one.verdict, Skipped)
        else one
        for one in plans
    ]


def _in_audience(session: Session, row: Broadcast, ids: Sequence[str]) -> Sequence[str]:
    """Those of the customers whom a broadcast is for."""
    segment = broadcasts.body_of(row).segment
    if not ids or segment is None:
        return broadcast_rows.named_among(session, row.key, ids)
    return segments.members_among(session, segment, ids)


def _counts(operation: Operation, plans: Sequence[PlannedMail]) -> Mapping[str, Any]:
    """The operation's result, with this page: how many get it, later or at once, and who does not, by reason."""
    known = operation.result or {}
    later = Counter(one.verdict.reason for one in plans if isinstance(one.verdict, Deferred))
    never = Counter(one.verdict.reason for one in plans if isinstance(one.verdict, Skipped))
    variants = Counter(one.variant for one in plans if one.variant and not isinstance(one.verdict, Skipped))
    parts: dict[str, Counter[str]] = {"later": later, "skipped": never, "variants": variants}
    more = add_counts(operation, {"recipients": sum(not isinstance(one.verdict, Skipped) for one in plans)})
    return {**more, **{name: dict(Counter(known.get(name, {})) + Counter(part)) for name, part in parts.items()}}


def _candidates(
    session: Session, row: Broadcast, ids: Sequence[str], which: Pass, *, locked: bool
) -> Sequence[Customer]:
    """Those of a page whom this pass is for and who have no mail of it yet."""
    body = broadcasts.body_of(row)
    wanted = set(ids) - broadcast_rows.planned_for(session, row.key, ids)
    if which != "all":
        wanted = {one for one in wanted if body.sampled(row.key, one) == (which == "sample")}
    return customers.lock_all(session, wanted) if locked else customers.by_ids(session, wanted)


def _plans(
    session: Session, row: Broadcast, candidates: Sequence[Customer], which: Pass, now: datetime
) -> Sequence[PlannedMail]:
    body, settings = broadcasts.body_of(row), installation_settings.load(session)
    stands = Recipients(session, candidates, settings, now)
    at = row.start_at or (None if body.local else body.instant()) or now
    start = max(at, now)
    terms = body.terms()
    plans = [_plan(row, body, terms, settings, stands, one, which, start, now) for one in candidates]
    return list(_once_each(session, row, plans))


def _once_each(session: Session, row: Broadcast, plans: Sequence[PlannedMail]) -> Iterator[PlannedMail]:
    """A broadcast goes to an inbox once, to the first of its profiles to whom it may go."""
    going = [one.customer.email for one in plans if not isinstance(one.verdict, Skipped)]
    taken = broadcast_rows.going_to(session, row.key, {email for email in going if email is not None})
    for one in plans:
        email = one.customer.email or ""
        if isinstance(one.verdict, Skipped):
            yield one
        elif email in taken:
            yield replace(one, verdict=Skipped("repeated"), why={})
        else:
            taken.add(email)
            yield one


def _plan(
    row: Broadcast,
    body: BroadcastIn,
    terms: SendTerms,
    settings: InstallationSettings,
    stands: Recipients,
    customer: Customer,
    which: Pass,
    start: datetime,
    now: datetime,
) -> PlannedMail:
    due = body.due(start, customer.timezone, settings.timezone)
    variant = _variant(row, body, customer.id, which)
    if due < now - policy.PUNCTUAL and body.late == "skip":
        return PlannedMail(customer=customer, variant=variant, due=due, verdict=Skipped("late"))
    due = max(due, now)
    who, limits = stands.recipient(customer, terms.topic), stands.limits(customer.id, terms.topic)
    verdict = policy.decide(terms, who, due=due, now=due, limits=limits)
    why = stands.evidence(verdict, customer, terms.topic)
    return PlannedMail(customer=customer, variant=variant, due=due, verdict=verdict, why=why)


def _variant(row: Broadcast, body: BroadcastIn, customer_id: str, which: Pass) -> str | None:
    if not body.variants:
        return None
    return row.winner if which == "rest" and row.winner else body.variant_for(row.key, customer_id)


def _write(session: Session, row: Broadcast, plans: Sequence[PlannedMail], now: datetime) -> None:
    body = broadcasts.body_of(row)
    messages.add(session, [_message(row, body, one, now) for one in plans])
    decisions.add(session, [_decision(row, one, now) for one in plans if not isinstance(one.verdict, Allowed)])


def _message(row: Broadcast, body: BroadcastIn, plan: PlannedMail, now: datetime) -> bulk.ColumnValues:
    skipped = plan.verdict.reason if isinstance(plan.verdict, Skipped) else None
    at = plan.verdict.until if isinstance(plan.verdict, Deferred) else plan.due
    template = body.variants[plan.variant].template if plan.variant else body.template
    assert template is not None
    return messages.row(
        message_of_broadcast(row.key, plan.customer.id),
        plan.customer.id,
        email=plan.customer.email,
        template=template,
        topic=body.topic,
        lane=BROADCAST,
        due=plan.due,
        now=now,
        not_before=None if skipped else at,
        status=MessageStatus.SKIPPED if skipped else MessageStatus.PLANNED,
        reason=skipped,
        broadcast=row.key,
        variant=plan.variant,
        source=touches.first_channel(plan.customer.source, plan.customer.attributes),
    )


def _decision(row: Broadcast, plan: PlannedMail, now: datetime) -> dict[str, Any]:
    verdict = plan.verdict
    detail: dict[str, Any] = {
        "message": message_of_broadcast(row.key, plan.customer.id),
        "broadcast": row.key,
        **plan.why,
    }
    if isinstance(verdict, Deferred):
        detail |= {"reason": verdict.reason, "until": verdict.until.isoformat()}
    elif isinstance(verdict, Skipped):
        detail |= {"reason": verdict.reason}
    return decisions.row(plan.customer.id, "deferred" if isinstance(verdict, Deferred) else "skipped", detail, now)


def _planned(session: Session, row: Broadcast, which: Pass, operation: Operation, now: datetime) -> None:
    """The pass is done: the mails go; after a sample the winner is looked for when its time has come."""
    body = broadcasts.body_of(row)
    if which == "sample" and body.test is not None:
        row.status, row.wake_at = BroadcastStatus.DECIDING, now + calendar.parse_span(body.test.after).elapsed
    else:
        row.status, row.wake_at = BroadcastStatus.SENDING, now
    row.audience, row.updated_at = _together(row.audience, operation.result), now
    session.add(row)


def _together(before: Mapping[str, Any] | None, more: Mapping[str, Any] | None) -> dict[str, Any]:
    """The counts of two passes."""
    one, other = before or {}, more or {}
    found: dict[str, Any] = {"recipients": one.get("recipients", 0) + other.get("recipients", 0)}
    for name in ("later", "skipped", "variants"):
        found[name] = dict(Counter(one.get(name, {})) + Counter(other.get(name, {})))
    return found
