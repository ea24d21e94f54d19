"""A forecast for a live enrollment: the machine run on, with the customer and the policies as they are now."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.facts import calendar
from journeys.facts.customer_facts import CustomerFacts
from journeys.machine.commands import Plan
from journeys.machine.inputs import Input
from journeys.machine.state import State
from journeys.program.send_terms import SendTerms
from journeys.rules import awaited, policy
from journeys.rules.policy import Verdict
from journeys.rules.split_answers import NO_SPLITS, has_splits
from journeys.simulation import forecast
from journeys.simulation.forecast import Action
from services.customers.attributes import known_facts
from services.definitions.journey_versions import journeys
from services.enrollments import splits
from services.installation import installation_settings
from services.messages.deciding.eligibility import Recipients
from store.queries.mails import enrollment_mail
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment


def next_actions(
    session: Session, enrollment: Enrollment, state: State, now: datetime, first: Sequence[Input] = ()
) -> Sequence[Action]:
    """What comes next, the soonest first, and what would change it; nothing where the customer is gone.

    `state` is what the workflow knows this very moment; the policies are asked as of each mail's own instant. With the
    inputs `first` it is what would come behind them.
    """
    program = journeys.compiled(session, enrollment.digest)
    customer = session.get(Customer, enrollment.customer_id)
    if customer is None:
        return ()
    settings = installation_settings.load(session)

    def post(terms: SendTerms, plan: Plan, known: CustomerFacts) -> Verdict:
        stands = Recipients(session, [customer], settings, plan.at)
        who = stands.recipient(customer, terms.topic, besides=enrollment.id)
        limits = stands.limits(customer.id, terms.topic)
        due = awaited.due_since(plan.due, plan.ready, who.email)
        return policy.decide(terms, who, due=due, now=plan.at, limits=limits, awaits_address=True)

    known = known_facts.facts_of(session, customer)
    variants = splits.known(session, customer.id, enrollment.journey) if has_splits(program) else NO_SPLITS
    own = enrollment
    return forecast.forecast(
        program, state, known, now, post, key=own.key, data=own.data, splits=variants, first=first,
        in_ledger=frozenset(send for _, send in enrollment_mail.decided(session, [own.id])),
    )  # fmt: skip


def local(session: Session, enrollment: Enrollment, at: datetime) -> str:
    """An instant as the customer's clock shows it."""
    program = journeys.compiled(session, enrollment.digest)
    customer = session.get(Customer, enrollment.customer_id)
    zone = calendar.zone_of(
        customer.timezone if customer else None, program.timezone, installation_settings.load(session).timezone
    )
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"
