"""What a decision changes in the store beside the ledger of decisions; one function for each kind that does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts.customer_facts import EnrollmentFacts
from journeys.facts.guards import shown
from journeys.machine.commands import Decide
from journeys.program.nodes import EnrollNode, NodeId
from journeys.program.program import Program
from journeys.rules import set_values
from journeys.rules.split_answers import has_splits
from journeys.simulation.simulator import IDENTIFY
from services.attribution import mail_outcomes
from services.customers.attributes import known_facts, profiles
from services.customers.attributes.profile_changes import ProfileBefore
from services.customers.history.event_log import NewEvent
from services.definitions.journey_versions import journeys
from services.enrollments import hooks, splits
from services.enrollments.entering import customer_events, entry
from services.enrollments.entering.customer_events import Listeners
from services.enrollments.entering.entry import Admission
from services.errors import NotFound, Refused
from services.messages.deciding import withdrawing
from services.messages.deciding.eligibility import Recipients
from store.ids import message_of_step
from store.queries.figures import counts
from store.queries.history import unreadable_values
from store.queries.history.unreadable_values import UnreadableValue
from store.queries.identity import customer_words
from store.queries.mails import enrollment_mail, messages
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment

PRE_EMPTING = ("event", "after", "inactive", "when", "person")
"""Causes of a move that take back the mail of the stage that is left: something happened, its time is over, a person
decided. A `go` is no such cause, since whoever wrote it wanted the mail before it."""

EXITING = ("event", "person")
"""Causes of an end that take back what was not sent; a last step does not."""

Detail = dict[str, Any]
"""What is added to the detail of a decision."""


@dataclass(slots=True)
class WakeContext:
    """A wake under way, under the customer's lock; `among` finds how all stand as to mail whose locks are held."""

    session: Session
    program: Program
    customer: Customer
    enrollment: Enrollment
    now: datetime
    among: Callable[[], Recipients]


def apply(call: WakeContext, records: Sequence[Decide]) -> dict[int, Detail]:
    """Change what the decisions change; return what there is to add to their details, by number."""
    return {record.number: EFFECTS[record.what](call, record) for record in records if record.what in EFFECTS}


def _moved(call: WakeContext, record: Decide) -> Detail:
    enrollment, since, target = call.enrollment, call.enrollment.stage_since, str(record.detail["to"])
    stay = record.at - since
    counts.tally(call.session).move(enrollment.id, enrollment.journey, record.stage, target, record.at, stay)
    enrollment.stage_since = record.at
    if record.detail["cause"] in PRE_EMPTING:
        _cancel(call, "pre_empted", record.visit)
    return {"since": since.isoformat()}


def _ended(call: WakeContext, record: Decide) -> Detail:
    call.enrollment.ended_at = record.at
    if record.detail["cause"] in EXITING:
        _cancel(call, "exited")
    return {}


def _paused(call: WakeContext, record: Decide) -> Detail:
    call.enrollment.paused_by = str(record.detail.get("by", "person"))
    return {}


def _resumed(call: WakeContext, record: Decide) -> Detail:
    """What a person says of what is overdue is kept with the enrollment; the rest stands with the journey."""
    own = call.enrollment
    if own.paused_by == "person":
        own.resumed_at, own.resumed_late = record.at, record.detail.get("late")
    own.paused_by = None
    return {}


def _step_skipped(call: WakeContext, record: Decide) -> Detail:
    message = message_of_step(call.enrollment.id, record.step or "", record.visit)
    withdrawing.withdraw(call.session, message, "step_skipped", call.now)
    return {}


def _cancel(call: WakeContext, reason: str, visit: int | None = None) -> None:
    found = messages.unclaimed(call.session, call.enrollment.id, visit)
    withdrawing.withdraw_all(call.session, found, reason, call.now)


def _set_attributes(call: WakeContext, record: Decide) -> Detail:
    """Other enrollments, segments and dates hear of it as of any other change of the profile."""
    own, before = call.enrollment, ProfileBefore.of(call.customer)
    known = known_facts.facts_of(call.session, call.customer, record.detail["seq"])
    enrollment = EnrollmentFacts(entered_at=own.entered_at, key=own.key, data=own.data)
    given = set_values.values(record, known, enrollment)
    if not profiles.take_traits(call.customer, given.attributes, call.now):
        return given.as_json()
    call.session.add(call.customer)
    name = f"set:{call.enrollment.id}:{record.step}:{record.visit}"
    event = NewEvent(type="identify", name=IDENTIFY, properties=given.attributes, at=call.now, message_id=name)
    customer_events.record(call.session, call.customer, event, Listeners.load(call.session), call.now)
    if before.is_found_otherwise(call.customer):
        customer_words.renew(call.session, [call.customer])
    if before.signs(call.customer):
        customer_events.poke_for_profiles(call.session, [call.customer.id], call.now)
    return given.as_json()


def _credit(call: WakeContext, record: Decide) -> Detail:
    """The last message accepted within the goal's window before the event, if there is one."""
    assert call.program.goal is not None
    since = record.at - call.program.goal.within.elapsed
    message = enrollment_mail.last_accepted(call.session, call.enrollment.id, since, record.at)
    template = message.template if message else ""
    counts.tally(call.session).count(call.enrollment.id, call.enrollment.journey, counts.CONVERTED, template)
    if message is not None:
        mail_outcomes.reached_goal(call.session, message, record.at)
    if has_splits(call.program):
        event = known_facts.event_facts_at(call.session, call.customer.id, record.detail["seq"])
        splits.credit(call.session, call.enrollment, event, record.at)
    return {"credited": message.id, "template": message.template} if message else {"credited": None}


def _date_unknown(call: WakeContext, record: Decide) -> Detail:
    """What stands where the date should: the core sees nothing personal, the record does. It counts in the books."""
    own, attribute, reason = call.enrollment, str(record.detail["attribute"]), str(record.detail["reason"])
    value = known_facts.attributes(call.customer).get(attribute)
    counts.tally(call.session).count(own.id, own.journey, counts.DATE_UNKNOWN, reason)
    if reason == "unreadable_date":
        source, name = f"journey {own.journey}", f"customer.{attribute}"
        one = UnreadableValue(customer_id=call.customer.id, source=source, field=name, value=value)
        unreadable_values.note(call.session, [one], call.now)
    return {"seen": shown(value)}


def _enroll(call: WakeContext, record: Decide) -> Detail:
    """Start the other journey; a refusal is told in the decision."""
    node = call.program.nodes[NodeId(record.step or "")]
    assert isinstance(node, EnrollNode)
    source = f"step {call.enrollment.id}/{record.step}/{record.visit}"
    try:
        version, program = journeys.live(call.session, node.journey)
        admission = Admission(source=source, data=node.data)
        started = entry.enroll(call.session, version, program, call.customer, admission, call.now)
    except (NotFound, Refused) as refused:
        return {"refused": refused.path or refused.code, "because": refused.message}
    return {"enrollment": started.id}


def _given_a_variant(call: WakeContext, record: Decide) -> Detail:
    """Only who is new to the split has something to remember; the detail says why of all others."""
    if "why" not in record.detail:
        splits.remember(call.session, call.program, call.enrollment, record)
    return {}


def _hooked(call: WakeContext, record: Decide) -> Detail:
    return hooks.plan(call.session, call.enrollment, record, call.now)


EFFECTS: Mapping[str, Callable[[WakeContext, Decide], Detail]] = {
    "moved": _moved,
    "ended": _ended,
    "paused": _paused,
    "resumed": _resumed,
    "step_skipped": _step_skipped,
    "attributes_set": _set_attributes,
    "date_unknown": _date_unknown,
    "converted": _credit,
    "called": _hooked,
    "notified": _hooked,
    "enrolling": _enroll,
    "assigned": _given_a_variant,
    "held_out": _given_a_variant,
}
"""By the kind of a decision: what it changes. A kind that is not in here changes nothing but the record."""
