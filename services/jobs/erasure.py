"""The right to be forgotten: a person leaves every table, their workflows end, and what remains is counted.

First a tombstone, so that no late event brings them back, and an empty profile, so that nothing more can be written
about them or to them; then their runs end; then, page by page, what they did, what was decided and what was sent.
Last, under the customer's lock, whatever came meanwhile goes with the customer. Counts of stages, movements, ends and
mails stay true, and what variants of splits brought. What raises unexpectedly keeps back its own rows alone: all else
goes, and the erasure has not ended.

NotErased               something of theirs is left; it is tried again
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, SQLModel

from services.attribution import order_erasure, variant_revenue
from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store import bulk
from store.queries.consent import address_consents
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.figures.counts import ERASED, Tally
from store.queries.identity import customers, erasure, tombstones
from store.queries.identity.tombstones import ANONYMOUS, EMAIL, USER
from store.queries.mails import messages
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.access import Operation
from store.tables.attribution import MailOutcome
from store.tables.broadcasts import BroadcastMember
from store.tables.customers import Alias, Consent, DateDue, Event, SegmentMember, Suppression
from store.tables.enrollments import ControlRequest, Decision, Hook, Interest
from store.tables.messages import DeliveryEvent, Engagement, MessageBody, PendingClick
from store.tables.note_answers import NoteAnswer
from store.tables.plans import PlanEntry
from store.tables.surveys import SurveyAnswer
from store.tables.unreadable_values import UnreadableExample

PAGE = 1_000
"""Rows that go in one transaction; who has more is erased in several."""

Phase = Callable[[Session, str, datetime], int]
"""Erases a page of something and returns how much."""


class NotErased(Exception):
    """Some phases raised what nobody expects; the text names them."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A phase at a time, a page of each at a time. Raise NotErased at the end where one of them has failed."""
    left = list[str]()
    for number, name in enumerate(PHASES, start=1):
        phase = _Phase(number, name, operation.request["customer"], clock)
        while not phase.finished:
            yield phase.page()
        left += [name] if phase.failed else []
    if left:
        raise NotErased(f"left of somebody who is to be erased: {', '.join(left)}")


class _Phase:
    """One phase, done page by page until there is nothing left, or until it fails."""

    def __init__(self, number: int, name: str, customer_id: str, clock: Clock) -> None:
        self._number, self._name, self._customer_id, self._clock = number, name, customer_id, clock
        self.finished = self.failed = False

    def page(self) -> PageOfWork:
        """The next page, which is this phase's one item."""
        return ItemPage(items=lambda session: [self._name], do=self._do, fail=self._fail)

    def _do(self, session: Session, names: Sequence[str]) -> Done:
        count = PHASES[self._name](session, self._customer_id, self._clock())
        self.finished = count < PAGE
        return Done(count=count, cursor=self._name, note=f"erasing: {self._name}")

    def _fail(self, session: Session, name: str, error: Exception) -> Done:
        self.finished = self.failed = True
        return Done(count=0, errors=[line_error(self._number, error, name)])


def _bury(session: Session, customer_id: str, now: datetime) -> int:
    """Tombstones for every id, and for the address where it must never be written to."""
    customer = customers.lock(session, customer_id)
    if customer is None:
        return 0
    names = [(one.kind, one.value) for one in erasure.aliases(session, customer_id)]
    names += [(USER, customer.external_id or ""), (ANONYMOUS, customer.anonymous_id or "")]
    suppression = session.get(Suppression, customer.email) if customer.email else None
    if suppression is not None:
        names.append((EMAIL, suppression.email))
        session.delete(suppression)
    tombstones.bury(session, [name for name in names if name[1]], now)
    customer.external_id = customer.anonymous_id = customer.email = customer.timezone = None
    customer.attributes, customer.events, customer.segments = {}, {}, []
    customer.purchases, customer.source = {}, {}
    session.add(customer)
    return 0


def _runs(session: Session, customer_id: str, now: datetime) -> int:
    """End every run, in the counts and in Temporal."""
    runs = erasure.enrollments(session, customer_id, PAGE)
    tally, rows = Tally(), list[bulk.ColumnValues]()
    for run in runs:
        if run.status == EnrollmentStatus.LIVE:
            tally.leave(run.id, (run.journey, run.stage, run.step or ""))
            tally.end(run.id, run.journey, run.stage, "erased", now, run.stage_since)
        tally.count(run.id, run.journey, ERASED, run.status)
        rows.append(dispatches.row(run.id, run.workflow_id, "end", {}, Priority.SIGNAL, now))
        session.delete(run)
    erasure.forget_audits(session, "enrollment", [run.id for run in runs])
    tally.write(session)
    dispatches.add(session, rows)
    return len(runs)


def _mails(session: Session, customer_id: str, now: datetime) -> int:
    """Mails go, with those that the outbox caught; the counts keep them."""
    mails = messages.of_customer(session, customer_id, PAGE)
    erasure.drop_caught(session, [one.id for one in mails])
    messages.erase(session, mails)
    return len(mails)


def _credits(session: Session, customer_id: str, now: datetime) -> int:
    """What mails are credited with stays in the counts, as that of nobody."""
    order_erasure.erase(session, customer_id)
    return 0


def _rows(*tables: type[SQLModel]) -> Phase:
    """Delete the rows of these tables that are the customer's; of several each holds few."""
    return lambda session, customer_id, now: sum(
        erasure.drop_rows(session, table, customer_id, PAGE) for table in tables
    )


def _audits(session: Session, customer_id: str, now: datetime) -> int:
    """Who changed something about the customer stays on record, without what it was."""
    for one in erasure.audits(session, customer_id):
        one.before = one.after = None
        session.add(one)
    return 0


ROWS: Mapping[str, Phase] = {
    "runs": _runs,
    "mails": _mails,
    "credits": _credits,
    "bodies": _rows(MessageBody),
    "reports": _rows(DeliveryEvent),
    "clicks, opens, outcomes": _rows(PendingClick, Engagement, MailOutcome),
    "broadcasts": _rows(BroadcastMember),
    "interests, plans": _rows(Interest, PlanEntry),
    "controls": _rows(ControlRequest),
    "hooks, answers to notes": _rows(Hook, NoteAnswer),
    "decisions": _rows(Decision),
    "events": _rows(Event),
    "consents": _rows(Consent),
    "inbox": lambda session, customer_id, now: address_consents.erase(session, customer_id),
    "variants": lambda session, customer_id, now: variant_revenue.erase(session, customer_id, PAGE),
    "segments, answers, dates, unreadable": _rows(SegmentMember, SurveyAnswer, DateDue, UnreadableExample),
    "aliases": _rows(Alias),
}
"""What is somebody's, by name, in the order in which it goes: runs first, so that nothing new is planned."""


def _customer(session: Session, customer_id: str, now: datetime) -> int:
    """The customer, and whatever a run or the clock has written since its page was done."""
    customer = customers.lock(session, customer_id)
    if customer is None:
        return 0
    count = sum(phase(session, customer_id, now) for phase in ROWS.values())
    session.flush()
    session.delete(customer)
    return count + 1


PHASES: Mapping[str, Phase] = {"tombstones": _bury, **ROWS, "audit": _audits, "customer": _customer}
"""All of it, in its order. The names are shown as progress."""
