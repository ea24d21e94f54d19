"""Why did they (not) get that mail? An answer in a sentence, with every decision and the values it was made on.

It tells the present: where the customer is now and what comes next, and behind that what was.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.facts.guard_cost import Purse
from journeys.machine.inputs import Halting
from journeys.machine.woken import restored
from journeys.program.program import Program
from journeys.program.step_ids import in_words
from journeys.rules.entry_rules import REFUSALS
from journeys.rules.policy import REASONS
from journeys.simulation.forecast import Action
from services.customers.attributes import known_facts
from services.definitions.journey_versions import journeys
from services.definitions.pausing import told_at_resume
from services.enrollments.forecast import enrollment_forecast
from services.errors import InvalidInput, NotFound
from services.reports.customer import both_clocks, untold_dates, why_mail
from services.reports.customer.both_clocks import BothClocks
from services.reports.customer.why_mail import MOST, Why
from store.queries.enrollment import decisions, enrollments
from store.queries.history import events
from store.queries.mails import enrollment_mail
from store.queries.sending import hooks
from store.statuses import CLAIMABLE, EnrollmentStatus, HookStatus
from store.tables.customers import Customer
from store.tables.definitions import Journey, JourneyVersion
from store.tables.enrollments import Decision, Enrollment, Hook

TURNS = ("branched", "assigned", "held_out", "moved", "ended")
"""Decisions that lead somewhere else."""

FORETOLD = {"send": "goes", "skip": "would be skipped", "defer": "would wait"}
"""What a forecast says of a mail, as it is told."""


def why(
    session: Session, customer: Customer, journey: str | None, step: str | None, message: str | None, now: datetime
) -> Why:
    """About a mail, a step of a journey, or a journey as a whole.

    `now` is the instant at which the guards of a journey that was never entered are asked. Raise InvalidInput where
    neither a journey nor a message is named, NotFound where it is not there.
    """
    if message is not None:
        return why_mail.about_message(session, customer, message)
    if journey is None:
        raise InvalidInput("name a journey or a message", "journey")
    journeys.get(session, journey)
    run = enrollments.last_run(session, journey, customer.id)
    if run is None:
        return _never_entered(session, customer, journey, now)
    return _Run(session, customer, run, now).why(step)


# -- a run -------------------------------------------------------------------------------------------------------------


class _Run:
    """A customer's newest run through a journey, as it is now."""

    def __init__(self, session: Session, customer: Customer, run: Enrollment, now: datetime) -> None:
        self._session, self._run = session, run
        self._program = journeys.compiled(session, run.digest)
        self._clocks = both_clocks.of(session, customer, self._program.timezone)
        live = run.status == EnrollmentStatus.LIVE
        state = restored(run.state) if live and run.state else None
        self._ahead = enrollment_forecast.next_actions(session, run, state, now) if state is not None else ()

    def why(self, wanted: str | None) -> Why:
        """About a step, or about the run as a whole."""
        if wanted is None:
            return self._whole()
        step = _step(self._program, wanted)
        return self._mailed(step) or self._called(step) or self._passed(step)

    def _whole(self) -> Why:
        run = self._run
        mail = next((one for one in self._ahead if one.what in FORETOLD), None)
        comes = f"; the next mail: {self._foretold(mail)}" if mail is not None else ""
        failing = hooks.last_failing(self._session, run.id)
        hook = f"; {_call(failing, self._clocks)}" if failing is not None else ""
        stands = self._stands() + self._untold()[1]
        return Why(
            answer=f"entered on {self._clocks.tell(run.entered_at)} by {run.source}; {stands}{comes}{hook}",
            entered=True,
            enrollment=run,
            hook=failing,
            reason=run.reason or self._untold()[0],
            next_at=run.wakes_at,
            decisions=decisions.last_of(self._session, run.id, MOST),
        )

    def _untold(self) -> tuple[str | None, str]:
        """Why the date that is waited for cannot be told: the reason's code, and a clause for a sentence."""
        run = self._run
        return untold_dates.unknown_date(run, decisions.last_of(self._session, run.id, MOST, run.step))

    def _stands(self) -> str:
        run = self._run
        if run.status == EnrollmentStatus.ENDED:
            return f"the run ended in {run.stage} ({run.reason})"
        if run.paused:
            by = f"the pause of the {run.paused_by}" if run.paused_by in get_args(Halting) else "a person"
            return f"it is paused in {run.stage} by {by}"
        where = f"it waits in {run.stage} at '{in_words(run.step)}'" if run.step else f"it rests in {run.stage}"
        acts = f", and acts by itself at {self._clocks.tell(run.wakes_at)}" if run.wakes_at else ""
        journey = self._session.get(Journey, run.journey)
        paused = told_at_resume.since(journey, run.stage)
        what = "journey" if journey is not None and journey.paused_at is not None else "stage"
        halted = f"; the {what} is paused since {self._clocks.tell(paused[1])}, so it parks instead" if paused else ""
        return where + acts + halted + (f"; its wakes end in an error: {run.stuck}" if run.stuck else "")

    def _foretold(self, action: Action) -> str:
        reason = action.detail.get("reason")
        told = f"{action.detail['template']} {FORETOLD[action.what]} on {self._clocks.tell(action.at)}"
        return told + (f": {REASONS.get(str(reason), str(reason))}" if reason else "")

    def _next(self, step: str) -> Action | None:
        return next((one for one in self._ahead if one.step == step and one.what in FORETOLD), None)

    def _mailed(self, step: str) -> Why | None:
        """About the mail of a step: that which is under way; else the next one, and behind it the last."""
        mail = enrollment_mail.last_of_step(self._session, self._run.id, step)
        if mail is None:
            return None
        told = why_mail.told(self._session, mail, decisions.of_message(self._session, mail, MOST), self._clocks)
        told.enrollment = self._run
        present = "" if mail.status in CLAIMABLE else self._present(step, mail.visit, told)
        if present:
            told.answer = f"{present}; the last time, on {self._clocks.tell(mail.planned_at)}: {told.answer}"
        return told

    def _present(self, step: str, visit: int, told: Why) -> str:
        """What of the step is still to come, or why it was not come to since its last mail; empty where that is all."""
        coming = self._next(step)
        if coming is not None:
            told.next_at, told.reason = coming.at, coming.detail.get("reason")
            told.meaning = REASONS.get(told.reason or "")
            return self._foretold(coming)
        if self._run.status == EnrollmentStatus.LIVE and visit != self._run.visit:
            told.next_at, told.reason, told.meaning = self._run.wakes_at, None, None
            return f"since then the step was not reached: {self._stands()}"
        return ""

    def _called(self, step: str) -> Why | None:
        hook = hooks.last_of_step(self._session, self._run.id, step)
        if hook is None:
            return None
        waits = hook.not_before if hook.status == HookStatus.PLANNED else None
        recorded = decisions.last_of(self._session, self._run.id, MOST, step)
        answer = _call(hook, self._clocks)
        return Why(answer=answer, entered=True, enrollment=self._run, hook=hook, next_at=waits, decisions=recorded)

    def _passed(self, step: str) -> Why:
        """A step that sends and calls nothing, or was not come to."""
        run, recorded = self._run, decisions.last_of(self._session, self._run.id, MOST, step)
        if run.status == EnrollmentStatus.LIVE and run.step == step:
            reason, because = self._untold()
            answer, acts = self._stands() + because, run.wakes_at
            return Why(
                answer=answer, entered=True, enrollment=run, reason=reason, next_at=acts, decisions=recorded
            )  # fmt: skip
        if recorded:
            last = recorded[-1]
            answer = f"the step was reached on {self._clocks.tell(last.at)}: {last.what}; {self._stands()}"
            return Why(answer=answer, entered=True, enrollment=run, decisions=recorded)
        elsewhere = [one for one in decisions.last_of(self._session, run.id, MOST) if one.what in TURNS]
        turn = f"; the last turn it took: {_turn(elsewhere[-1], self._clocks)}" if elsewhere else ""
        coming = self._next(step)
        comes = f"; {self._foretold(coming)}" if coming is not None else ""
        return Why(
            answer=f"the step was not reached: {self._stands()}{comes}{turn}",
            entered=True,
            enrollment=run,
            next_at=coming.at if coming is not None else run.wakes_at,
            decisions=elsewhere,
        )


_CALLS = {
    HookStatus.PLANNED: "is called",
    HookStatus.CALLING: "is being called",
    HookStatus.DELIVERED: "was taken by its receiver",
    HookStatus.FAILED: "was refused for good",
    HookStatus.STUCK: "failed again and again, and waits for a person",
    HookStatus.CANCELLED: "was given up",
}


def _call(hook: Hook, clocks: BothClocks) -> str:
    """What became of a webhook or a note, with the last answer and when it is called again."""
    told = f"'{in_words(hook.step)}' {_CALLS[hook.status]}"
    if hook.status == HookStatus.PLANNED:
        told += f"{' again' if hook.attempts else ''} at {clocks.tell(hook.not_before)}"
    answers = [f"status {hook.answer}" if hook.answer is not None else "", hook.error or ""]
    last = ", ".join(one for one in answers if one)
    return told + (f"; after attempt {hook.attempts} the answer was: {last}" if last else "")


def _step(program: Program, wanted: str) -> str:
    """A step by its id, or by the part behind the stage."""
    known = [str(node) for node in program.nodes]
    for name in known:
        if name == wanted or name.partition("/")[2] in (wanted, f"send:{wanted}"):
            return name
    raise NotFound(f"the journey has no step {wanted!r}; it has {', '.join(known[:20])}")


def _turn(decision: Decision, clocks: BothClocks) -> str:
    known = decision.detail
    way = known.get("to") or known.get("took") or known.get("variant") or known.get("reason") or ""
    return f"{decision.what} {way} on {clocks.tell(decision.at)}".replace("  ", " ")


# -- who never entered -------------------------------------------------------------------------------------------------


def _never_entered(session: Session, customer: Customer, journey: str, now: datetime) -> Why:
    """The refusal that is on record; else which of the journey's ways in never came, and what their guards say now."""
    refusals = decisions.last_refusals(session, customer.id, journey, MOST)
    live = _live(session, journey)
    triggers = _triggers(session, customer, live[1], now) if live else []
    if refusals:
        last = refusals[-1]
        reason = str(last.detail.get("reason"))
        event = last.detail.get("event") or last.detail.get("schedule") or last.detail.get("date") or "a call"
        when = both_clocks.of(session, customer).tell(last.at)
        told = f"{event} on {when} did not let the customer in: {REFUSALS.get(reason, reason)}"
        if "date" in last.detail:
            told += f" ({last.detail.get('seen')!r})"
        guards_asked = last.detail.get("guards")
        if guards_asked:
            told += "; " + "; ".join(_asked(one) for one in guards_asked)
        return Why(
            answer=told, entered=False, reason=reason, meaning=REFUSALS.get(reason), triggers=triggers,
            decisions=refusals,
        )  # fmt: skip
    if live is None:
        return Why(answer="the journey lets nobody in: it is not published, or archived", entered=False)
    return Why(answer=f"never entered: {_missing(triggers)}", entered=False, triggers=triggers)


def _live(session: Session, journey: str) -> tuple[JourneyVersion, Program] | None:
    return next((one for one in journeys.all_live(session) if one[0].journey == journey), None)


def _triggers(session: Session, customer: Customer, program: Program, now: datetime) -> list[dict[str, Any]]:
    known, purse = known_facts.facts_of(session, customer), Purse()
    found: list[dict[str, Any]] = []
    for trigger in program.triggers:
        shown: dict[str, Any] = {
            "on": trigger.event,
            "happened": customer.events.get(trigger.event, {}).get("count", 0),
        }
        late = untold_dates.too_late(events.last_named(session, customer.id, trigger.event))
        if late is not None:
            shown["late"] = late
        if trigger.given:
            shown["where"] = dict(trigger.given)
        if trigger.guard is not None:
            text = program.guards[trigger.guard]
            shown["guard"] = text
            if not guards.reads_event(text):
                verdict = guards.evaluate(text, customer_facts.context(known, None, {}, now), purse)
                shown |= {"holds_now": verdict.holds, "seen": dict(verdict.seen), "error": verdict.error}
        found.append(shown)
    return found


def _missing(triggers: Sequence[dict[str, Any]]) -> str:
    if not triggers:
        return "the journey is entered by a call of the API alone, and there was none"
    parts: list[str] = []
    for one in triggers:
        came = f"{one['on']} " + (f"came {one['happened']} times" if one["happened"] else "never came")
        if one["happened"]:
            came += f", the last {one['late']}" if "late" in one else " before it was published"
        if one.get("holds_now") is False:
            came += f", and its guard is false now ({one['guard']}, seen {one['seen']})"
        parts.append(came)
    return "; ".join(parts)


def _asked(one: dict[str, Any]) -> str:
    because = f" ({one['error']})" if one.get("error") else ""
    return f"{one.get('guard')} was false{because}, seen {one.get('seen')}"
