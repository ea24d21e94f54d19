"""Two profiles turn out to be one person: the source goes into the target, with its events and runs.

Where both run in the same journey the target's run stays and the source's ends (`merged`); another run of the source is
the target's from now on. The source's events get numbers above all that either has used; a run's cursor is moved with
them, and its next wake tells the core.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, SQLModel

from journeys.facts import customer_facts, touches
from journeys.facts.customer_facts import Aggregate
from services.attribution import merged_orders, variant_revenue
from services.customers.attributes import profiles
from services.enrollments.controls import asking
from services.messages.deciding import withdrawing
from store.queries.consent import consents
from store.queries.definitions import broadcast_members
from store.queries.enrollment import decisions, enrollments, interests
from store.queries.history import events
from store.queries.identity import customer_words, identities, ownership
from store.queries.identity.tombstones import ANONYMOUS, USER
from store.queries.mails import messages
from store.statuses import EnrollmentStatus
from store.tables.attribution import MailOutcome
from store.tables.customers import AddressConsent, Alias, Consent, Customer, DateDue, SegmentMember
from store.tables.enrollments import ControlRequest, Decision, Enrollment, Hook, Interest
from store.tables.messages import DeliveryEvent, Engagement, Message, MessageBody, PendingClick
from store.tables.note_answers import NoteAnswer
from store.tables.surveys import SurveyAnswer
from store.tables.unreadable_values import UnreadableExample
from value import purchases
from value.purchases import Purchases

FOLLOWS: tuple[type[SQLModel], ...] = (
    AddressConsent, Decision, ControlRequest, Message, MessageBody, DeliveryEvent, PendingClick, Engagement, Hook,
    Interest, Alias, SurveyAnswer, NoteAnswer, UnreadableExample, MailOutcome,
)  # fmt: skip
"""Tables whose rows only need another owner."""
WORKED_OUT_ANEW: tuple[type[SQLModel], ...] = (SegmentMember, DateDue)
"""Tables whose rows follow from the profile: the target's are looked at again (`customer_events.reevaluate`)."""


def merge(session: Session, source: Customer, target: Customer, now: datetime) -> None:
    """Make one of two locked customers; the source is gone afterwards."""
    session.flush()
    base = max(source.seq, target.seq)
    runs = enrollments.of_customers(session, (source.id, target.id))
    fires_from = min((one.cursor for one in runs if _moves(one, source)), default=source.seq)
    _events(session, source, target, base, fires_from)
    _enrollments(session, runs, source, target, base, now)
    for table in FOLLOWS:
        ownership.reassign(session, table, source.id, target.id)
    _consents(session, source.id, target.id)
    broadcast_members.reassign(session, source.id, target.id)
    variant_revenue.combine(session, source.id, target.id)
    merged_orders.combine(session, source.id, target.id, base, now)
    for table in WORKED_OUT_ANEW:
        ownership.delete_rows(session, table, source.id)
    _profile(session, source, target, now)
    detail = {"profile": source.id, "events": source.seq}
    decisions.add(session, [decisions.row(target.id, "merged", detail, now)])
    session.flush()


def _events(session: Session, source: Customer, target: Customer, base: int, fires_from: int) -> None:
    """What was worked off only counts; what nobody has worked off yet still finds who waits for it."""
    events.reassign(session, source.id, target.id, base=base, fires_from=fires_from)
    target.seq = base + source.seq if source.seq else target.seq
    bought = [Purchases.from_json(one.purchases) for one in (target, source)]
    target.source = dict(touches.combined(target.source, source.source))
    target.purchases = purchases.combined(*bought, renumbered=base).as_json()
    known = {name: Aggregate.from_json(one) for name, one in target.events.items()}
    for name, one in source.events.items():
        known[name] = customer_facts.combined(known.get(name, customer_facts.NOTHING), Aggregate.from_json(one))
    target.events = {name: one.as_json() for name, one in known.items()}


# -- runs --------------------------------------------------------------------------------------------------------------


def _moves(run: Enrollment, source: Customer) -> bool:
    return run.customer_id == source.id and run.status == EnrollmentStatus.LIVE


def _enrollments(
    session: Session, runs: Sequence[Enrollment], source: Customer, target: Customer, base: int, now: datetime
) -> None:
    """Give the source's runs to the target, numbered so that the live one is the last."""
    tracks: dict[tuple[str, str], list[Enrollment]] = defaultdict(list)
    for run in runs:
        tracks[(run.journey, run.key)].append(run)
    for track in tracks.values():
        moved = [one for one in track if one.customer_id == source.id]
        if not moved:
            continue
        kept = [one for one in track if one.customer_id == target.id]
        for run in moved:
            run.cursor += base
            if run.status == EnrollmentStatus.LIVE and any(one.status == EnrollmentStatus.LIVE for one in kept):
                _leave(session, run, now)
        _number(session, track, target.id, source.id)


def _number(session: Session, track: Sequence[Enrollment], target: str, source: str) -> None:
    """Runs in the order in which they began, a live one of the target's last; in two steps: numbers are unique."""
    order = sorted(
        track, key=lambda one: (one.status == EnrollmentStatus.LIVE, one.customer_id != source, one.entered_at, one.id)
    )
    for step in (-1, 1):
        for number, run in enumerate(order, start=1):
            run.run = step * number
            run.customer_id = target if step == 1 else run.customer_id
            session.add(run)
        session.flush()


def _leave(session: Session, run: Enrollment, now: datetime) -> None:
    """End a run beside which the known customer's own goes on; it hears nothing more from this moment."""
    interests.drop(session, run.id)
    withdrawing.withdraw_all(session, messages.unclaimed(session, run.id), "exited", now)
    asking.leave(session, [run], "merged", now)


# -- the profile -------------------------------------------------------------------------------------------------------


def _consents(session: Session, source: str, target: str) -> None:
    """Of two statements about a topic the later one holds."""
    for mine in consents.of_customer(session, source):
        theirs = session.get(Consent, (target, mine.topic))
        if theirs is None or theirs.at < mine.at:
            session.merge(Consent.model_validate({**mine.model_dump(), "customer_id": target}))
        session.delete(mine)
    session.flush()


def _profile(session: Session, source: Customer, target: Customer, now: datetime) -> None:
    """The target's attributes win; the source's ids lead to the target from now on."""
    ids = {USER: source.external_id, ANONYMOUS: source.anonymous_id}
    attributes, born = dict(source.attributes), min(source.created_at, target.created_at)
    session.delete(source)
    session.flush()
    profiles.take_traits(target, {**attributes, **target.attributes}, now)
    customer_words.renew(session, [target])
    target.created_at, target.updated_at = born, now
    if target.anonymous_id is None:
        target.anonymous_id = ids.pop(ANONYMOUS)
    session.add(target)
    session.flush()
    former = [(kind, value) for kind, value in ids.items() if value is not None]
    identities.add_aliases(session, [identities.alias(name, target.id) for name in former])
