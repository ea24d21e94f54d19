"""A definition tried before anybody enters it: by somebody made up, or by a customer from now on. Nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from journeys.language.definition import Definition
from journeys.machine.inputs import Begin, Migrated
from journeys.machine.state import ENGINE_VERSION, State
from journeys.program.compiler import compile_journey
from journeys.program.program import Program
from journeys.rules.policy import InstallationTerms
from journeys.simulation import forecast
from journeys.simulation.backtest import SimulatedEnrollment
from journeys.simulation.forecast import Action
from journeys.simulation.mail_policies import by_policy
from services import values
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.customers.attributes import known_facts
from services.enrollments import splits
from services.errors import Refused
from services.messages.deciding import eligibility
from services.simulation import made_up
from services.simulation.made_up import TimedEvent
from store.queries.audiences import segments as segment_rows
from store.queries.enrollment import enrollments, live_enrollments
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTerms:
    """A definition compiled, and what the installation says beside it: guards of segments, caps, quiet hours."""

    program: Program
    segments: Mapping[str, str]
    terms: InstallationTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCustomer:
    """Somebody made up, who comes in at `begin`, and is followed for so many days; `variants` by the split's id."""

    begin: datetime
    attributes: Mapping[str, Any]
    events: Sequence[TimedEvent] = ()
    variants: Mapping[str, str] = field(default_factory=dict[str, str])
    days: float = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFromNowOn:
    """What comes next for a real customer under the definition, if nothing happens.

    `kind` is what becomes of them where they are under way (`journeys.changes.outcomes.Kind`), None where they would
    enter now.
    """

    kind: str | None
    stage: str
    step: str | None
    ahead: Sequence[Action]


def load(session: Session, definition: Definition) -> TrialTerms:
    """What a trial of this definition needs of the store."""
    return TrialTerms(
        program=splits.decided(session, compile_journey(definition)),
        segments={one.key: one.guard for one in segment_rows.listed(session)},
        terms=eligibility.load_policy_terms(session),
    )


def follow(around: TrialTerms, wanted: TrialCustomer) -> Sequence[SimulatedEnrollment]:
    """Each run of somebody made up; raise InvalidInput where no trigger lets them in, or something makes no sense."""
    program = made_up.choosing(made_up.with_an_entrance(around.program), wanted.variants)
    values.check_values({"attributes": dict(wanted.attributes)})
    customer = made_up.customer(program, wanted.begin, dict(wanted.attributes), wanted.events)
    until = wanted.begin + timedelta(days=wanted.days)
    return made_up.follow(program, customer, until, around.segments, around.terms)


def from_now_on(session: Session, definition: Definition, customer: Customer, now: datetime) -> TrialFromNowOn:
    """What comes next for a customer: under way they are moved as a publish would, else they enter now.

    Raise Refused where nobody can tell what would become of them.
    """
    around = load(session, definition)
    live = _live_in(session, definition.journey, customer)
    return _moved(session, around, live, now) if live is not None else _entering(session, around, customer, now)


def _live_in(session: Session, journey: str, customer: Customer) -> str | None:
    runs = enrollments.of_customer(session, customer.id)
    return next((one.id for one in runs if one.journey == journey and one.status == EnrollmentStatus.LIVE), None)


def _moved(session: Session, around: TrialTerms, live: str, now: datetime) -> TrialFromNowOn:
    target = TargetVersion(number=0, program=around.program)
    judged = next(moving.judge(session, target, live_enrollments.by_ids(session, [live]), now), None)
    if judged is None or judged.standing is None:
        raise Refused("where this customer stands cannot be made out just now; try again in a moment")
    outcome, standing = judged.outcome, judged.standing
    if outcome.state is None:
        return TrialFromNowOn(kind=outcome.kind, stage=outcome.was.stage, step=outcome.was.step, ahead=())
    ahead = forecast.forecast(
        around.program, outcome.state, standing.known, now, by_policy(False, around.terms),
        key=standing.enrollment.key, data=standing.enrollment.data, splits=standing.splits,
        first=(Migrated(at=now),), in_ledger=standing.in_ledger,
    )  # fmt: skip
    return TrialFromNowOn(kind=outcome.kind, stage=outcome.to.stage, step=outcome.to.step, ahead=ahead)


def _entering(session: Session, around: TrialTerms, customer: Customer, now: datetime) -> TrialFromNowOn:
    state = State(customer=customer.id, enrollment="trial", entered_at=now, engine=ENGINE_VERSION)
    known = known_facts.facts_of(session, customer)
    variants = splits.known(session, customer.id, around.program.journey)
    ahead = forecast.forecast(
        around.program, replace(state, cursor=customer.seq), known, now, by_policy(False, around.terms),
        splits=variants, first=(Begin(at=now),),
    )  # fmt: skip
    return TrialFromNowOn(kind=None, stage=around.program.start, step=None, ahead=ahead)
