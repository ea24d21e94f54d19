"""One customer or many through a journey, with what this installation adds: segments, caps, quiet hours, topics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from journeys.program.program import Program
from journeys.rules.policy import NO_TERMS, InstallationTerms
from journeys.simulation.backtest import CustomerHistory, Totals
from services.errors import InvalidInput
from services.imports.histories import event_histories
from services.messages.deciding import eligibility
from services.simulation import backtests, cohorts
from services.simulation.backtests import Histories
from store.queries.audiences import segments
from waypost.wiring import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationContext:
    """What an installation adds to a simulation: the guards of its segments by key, and its terms of sending."""

    segments: Mapping[str, str] = field(default_factory=dict[str, str])
    terms: InstallationTerms = NO_TERMS


def context(parts: Parts) -> SimulationContext:
    """Those of this installation; none where it has no database yet."""
    if not parts.set_up:
        return SimulationContext()
    with parts.database.reading() as session:
        guards = {one.key: one.guard for one in segments.listed(session)}
        return SimulationContext(segments=guards, terms=eligibility.load_policy_terms(session))


def replay(
    program: Program,
    histories: Histories,
    until: datetime,
    context: SimulationContext,
    tick: Callable[[int], None],
) -> Totals:
    """Everybody; `tick` is told how many customers are through."""
    totals = Totals()
    for part in backtests.parts(program, histories, until, context.segments, context.terms):
        totals.add(part)
        tick(totals.customers)
    return totals


def from_file(file: Path, until: datetime | None) -> tuple[list[CustomerHistory], event_histories.LineErrors]:
    """The customers of an event file (NDJSON or CSV), and the lines of it that could not be read."""
    errors = event_histories.LineErrors()
    horizon = datetime.now(UTC) if until is None else max(until, datetime.now(UTC))
    histories = list(event_histories.cohort(event_histories.read_file(file, horizon, errors, need_ids=False)))
    return histories, errors


def from_store(parts: Parts, begin: datetime | None, end: datetime | None) -> Histories:
    """Everybody with events recorded here from `begin` to `end` (now); raise InvalidInput where there is no store."""
    if not parts.set_up:
        raise InvalidInput("there are no recorded events here; give --events FILE (or start `waypost up` once)")
    return cohorts.RecordedCohort(parts.database, begin, end or parts.clock())
