"""The runs that a history leads to, as rows: today's place, every decision of the past, no mail for it.

The history runs through the core itself, on a virtual clock. Mail due before the import is on record as skipped
(`imported`) and nobody is written to for stages long past; what is due later goes. Whose history it is is not known
here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.machine.ahead import pokes_for
from journeys.machine.commands import Plan
from journeys.machine.state import State
from journeys.machine.woken import kept
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.rules.split_answers import NO_SPLITS, KnownSplits
from journeys.simulation import backtest
from journeys.simulation.backtest import SimulatedEnrollment
from journeys.simulation.mail_policies import everything_goes
from journeys.simulation.simulator import Trace
from services.enrollments import splits
from services.imports.placing.gathered_histories import GatheredHistory
from services.messages.deciding.step_messages import PlanOutcome, message_row
from store import bulk
from store.ids import new_id, workflow_id
from store.queries.definitions.journeys import LiveJourney
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import decisions, enrollments, interests
from store.queries.enrollment.last_runs import LatestRun
from store.queries.figures import counts
from store.queries.figures.counts import Tally
from store.queries.history import imported_rows
from store.queries.mails import messages
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from store.tables.splits import Assignment

IMPORTED = PlanOutcome(status=MessageStatus.SKIPPED, reason="imported")
"""What becomes of a mail that was due before the import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a customer has of the journey already: by key the last run, and the variants of its splits."""

    runs: Mapping[str, LatestRun] = field(default_factory=dict[str, LatestRun])
    splits: KnownSplits = NO_SPLITS

    def ended(self) -> Mapping[str, entry_rules.LastEnrollment]:
        """The last runs as the rule of re-entry asks for them."""
        return {key: entry_rules.LastEnrollment(live=one.live, ended_at=one.ended_at) for key, one in self.runs.items()}


NOTHING = Before()


class PlacedRuns:
    """Rows of runs, collected for one transaction; `now` is when they stand where they stand.

    What they change of counts is written before the commit, by the transaction: everybody shares it.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.count = 0
        self.rows: dict[type, list[bulk.ColumnValues]] = {
            table: [] for table in (Enrollment, Decision, Interest, Assignment, Dispatch)
        }
        self.messages: list[bulk.ColumnValues] = []
        self.tally = Tally()

    def write(self, session: Session) -> None:
        """Insert what was collected, table by table, each after those that it refers to."""
        imported_rows.add(session, self.rows)
        messages.add(session, self.messages)
        counts.tally(session).add(self.tally)

    def add(
        self, customer: Customer, gathered: GatheredHistory, journey: LiveJourney, before: Before = NOTHING
    ) -> None:
        """Every run that the history leads to; all but the last of a key have ended."""
        version, program = journey
        history, runs = gathered.history, Counter({key: one.run for key, one in before.runs.items()})
        until = max([self.now, *(one.at for one in history.events[-1:])])
        found = backtest.enrollments(
            program, history, until, everything_goes, name=_named, earlier=before.ended(), splits=before.splits
        )
        past = [decision for simulated in found for decision in simulated.trace.decisions]
        self.rows[Assignment] += splits.of_the_past(customer.id, version.journey, past)
        for simulated in found:
            state = simulated.trace.state = replace(simulated.trace.state, cursor=customer.seq)
            runs[simulated.key] += 1
            self._enrollment(version, simulated, runs[simulated.key])
            self._record(program, simulated.trace, gathered)
            if state.ended:
                ended_at, since = state.clock or self.now, state.since or simulated.event.at
                self.tally.end(state.enrollment, version.journey, state.stage, state.reason or "", ended_at, since)
            else:
                self._start(version, program, simulated, runs[simulated.key])
        self.count += len(found)

    def _enrollment(self, version: JourneyVersion, simulated: SimulatedEnrollment, run: int) -> None:
        state = simulated.trace.state
        entered = enrollments.row(
            version,
            state.customer,
            key=simulated.key,
            run=run,
            source=f"import, event {simulated.event.name}",
            data=entry_rules.data_of(backtest.facts_of(simulated.event)),
            stage=state.stage,
            cursor=state.cursor,
            entered_at=simulated.event.at,
            enrollment_id=state.enrollment,
        )
        today = {
            "status": EnrollmentStatus.ENDED if state.ended else EnrollmentStatus.LIVE,
            "reason": state.reason,
            "step": state.position,
            "visit": state.visit,
            "state": kept(state),
            **dict.fromkeys(("wakes_at", "due_at"), state.wakes_at),
            "stage_since": state.since or simulated.event.at,
            "ended_at": state.clock if state.ended else None,
        }
        self.rows[Enrollment].append(entered | today)

    def _record(self, program: Program, trace: Trace, gathered: GatheredHistory) -> None:
        """Every decision of the past, and every mail that was not sent."""
        enrollment = trace.state.enrollment
        since = trace.state.entered_at
        self.tally.move(enrollment, program.journey, "", program.start, since or self.now)
        for decision in trace.decisions:
            detail = dict(decision.detail)
            if "seq" in detail:
                detail["seq"] = gathered.number(detail["seq"])
            if decision.what == "moved":
                begun = since or decision.at
                target = str(decision.detail["to"])
                self.tally.move(enrollment, program.journey, decision.stage, target, decision.at, decision.at - begun)
                detail["since"] = begun.isoformat()
                since = decision.at
            self._decision(program, trace.state, decision, decision.what, detail)
        for ask, asked in trace.asked:
            if asked:
                verdicts = [one.as_json() for one in asked]
                self._decision(program, trace.state, ask, "asked", {"why": ask.why, "guards": verdicts})
        for plan in trace.planned:
            self._skipped(program, trace.state, plan)

    def _decision(
        self, program: Program, state: State, command: decisions.NumberedCommand, what: str, detail: dict[str, Any]
    ) -> None:
        row = decisions.of_command(
            command,
            what,
            detail,
            customer_id=state.customer,
            journey=program.journey,
            enrollment_id=state.enrollment,
        )
        self.rows[Decision].append(row)

    def _skipped(self, program: Program, state: State, plan: Plan) -> None:
        send = program.nodes[NodeId(plan.step)]
        assert isinstance(send, SendNode)
        row = message_row(program, state.enrollment, state.customer, plan, send, plan.at, IMPORTED)
        self.messages.append(row)
        detail = {"message": row["id"], "template": send.template, "reason": "imported"}
        self._decision(program, state, plan, "skipped", detail)

    def _start(self, version: JourneyVersion, program: Program, simulated: SimulatedEnrollment, run: int) -> None:
        """Where the customer stands, what is waited for, and the start of the workflow with this very state."""
        state = simulated.trace.state
        self.tally.arrive(state.enrollment, (version.journey, state.stage, state.position or ""))
        for name in pokes_for(program, state):
            self.rows[Interest].append(interests.row(state.enrollment, state.customer, name))
        name = workflow_id(version.journey, state.customer, simulated.key, run)
        start = {"digest": version.digest, "state": kept(state)}
        row = dispatches.row(state.enrollment, name, "start", start, Priority.BULK_START, self.now)
        self.rows[Dispatch].append(row)


def _named(*_: object) -> str:
    return new_id("enr")
