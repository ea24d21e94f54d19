"""Why did they (not) get that mail? An answer in a sentence, with every decision and the values it was made on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.program.program import Program
from journeys.rules.entry_rules import REFUSALS
from journeys.rules.policy import EVERY_TOPIC, REASONS
from services.customers import known_facts
from services.definitions import journeys
from services.errors import InvalidInput, NotFound
from store.queries import decisions, enrollments, hooks, messages
from store.statuses import CLAIMABLE, EnrollmentStatus, HookStatus, MessageStatus
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Decision, Enrollment, Hook
from store.tables.messages import Message

MOST = 200
"""Decisions that an answer rests on, the newest first: what a person reads, of a run of years."""

SUPPRESSED: Mapping[str, str] = {
    "bounce": "a bounce",
    "complaint": "a complaint",
    "unsubscribe": "an unsubscription",
    "manual": "done by hand",
    "erased": "kept",
}
"""Reasons of suppressions, in a sentence."""

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
"""Spans of time as they are told, the longest first, with their seconds."""

TURNS = ("branched", "assigned", "held_out", "moved", "ended")
"""Decisions that lead somewhere else."""


@dataclass(slots=True, kw_only=True)
class Why:
    """The answer; `triggers` says of each way in whether it would let the customer in now, and what its guard saw."""

    answer: str
    entered: bool | None = None
    enrollment: Enrollment | None = None
    message: Message | None = None
    hook: Hook | None = None
    reason: str | None = None
    meaning: str | None = None
    next_at: datetime | None = None
    triggers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    decisions: Sequence[Decision] = ()


def why(
    session: Session, customer: Customer, journey: str | None, step: str | None, message: str | None, now: datetime
) -> Why:
    """About a mail, a step of a journey, or a journey as a whole.

    `now` is the instant at which the guards of a journey that was never entered are asked. Raise InvalidInput where
    neither a journey nor a message is named, NotFound where it is not there.
    """
    if message is not None:
        return about_message(session, customer, message)
    if journey is None:
        raise InvalidInput("name a journey or a message", "journey")
    journeys.get(session, journey)
    run = enrollments.last_run(session, journey, customer.id)
    if run is None:
        return _never_entered(session, customer, journey, now)
    return (
        _about_run(run, decisions.last_of(session, run.id, MOST)) if step is None else _about_step(session, run, step)
    )


# -- a mail ------------------------------------------------------------------------------------------------------------

_STATES = {
    MessageStatus.PLANNED: "is planned and goes as soon as its lane takes it",
    MessageStatus.DEFERRED: "waits",
    MessageStatus.CLAIMED: "is being written, and goes at once",
    MessageStatus.SENDING: "is on its way to the provider",
    MessageStatus.ACCEPTED: "was accepted by the provider",
    MessageStatus.FAILED: "failed",
    MessageStatus.SKIPPED: "was skipped",
    MessageStatus.UNKNOWN: "may or may not have gone; evidence is being sought",
    MessageStatus.PARKED: "may or may not have gone; a person decides",
}


def about_message(session: Session, customer: Customer, message_id: str) -> Why:
    """What became of one mail; raise NotFound where it is not this customer's."""
    mail = session.get(Message, message_id)
    if mail is None or mail.customer_id != customer.id:
        raise NotFound(f"this customer has no message {message_id!r}")
    return _told(mail, decisions.of_message(session, mail, MOST))


def _told(mail: Message, recorded: Sequence[Decision]) -> Why:
    meaning = REASONS.get(mail.reason or "")
    told = f"{mail.template} {_STATES[mail.status]}" + (f": {meaning}" if meaning else "") + _evidence(mail, recorded)
    waits = mail.not_before if mail.status in CLAIMABLE else None
    if waits is not None and mail.status == MessageStatus.DEFERRED:
        told += f"; it is asked again at {waits:%Y-%m-%d %H:%M} UTC"
    return Why(
        answer=told,
        entered=True,
        message=mail,
        reason=mail.reason,
        meaning=meaning,
        next_at=waits,
        decisions=recorded,
    )


def _evidence(mail: Message, recorded: Sequence[Decision]) -> str:
    """Which suppression, which no, or which cap and what filled it, as the last decision for the mail's reason says."""
    detail = next((one.detail for one in reversed(recorded) if one.detail.get("reason") == mail.reason), {})
    if "suppression" in detail:
        found = detail["suppression"]
        since = f" on {datetime.fromisoformat(found['at']):%Y-%m-%d %H:%M} UTC" if "at" in found else ""
        return f"; it was {SUPPRESSED[found['reason']]}{since}, told by {found['source']}"
    if "said" in detail:
        said = detail["said"]
        by = (
            "they"
            if said["customer"] == mail.customer_id
            else f"another customer with this address, {said['customer']},"
        )
        return f"; {by} said so on {datetime.fromisoformat(said['at']):%Y-%m-%d %H:%M} UTC by {said['source']}"
    if "cap" in detail:
        cap = detail["cap"]
        of = "of all topics" if cap["of"] == EVERY_TOPIC else f"about {cap['of']}"
        by = f", filled by {', '.join(detail['filled_by'])}" if detail["filled_by"] else ""
        return f"; the cap is {cap['max']} mails {of} in {_span(cap['seconds'])}{by}"
    return ""


def _span(seconds: int) -> str:
    """A span in the largest unit that measures it."""
    unit, size = next((name, size) for name, size in UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}" + ("s" if count != 1 else "")


# -- a run -------------------------------------------------------------------------------------------------------------


def _about_run(run: Enrollment, recorded: Sequence[Decision]) -> Why:
    return Why(
        answer=f"entered on {run.entered_at:%Y-%m-%d %H:%M} UTC by {run.source}; {_stands(run)}",
        entered=True,
        enrollment=run,
        reason=run.reason,
        next_at=run.wakes_at,
        decisions=recorded,
    )


def _stands(run: Enrollment) -> str:
    if run.status == EnrollmentStatus.ENDED:
        return f"the run ended in {run.stage} ({run.reason})"
    if run.paused:
        return (
            f"it is paused in {run.stage} by {'the pause of the journey' if run.paused_by == 'journey' else 'a person'}"
        )
    where = f"it waits at {run.step}" if run.step else f"it rests in {run.stage}"
    return where + (f", and acts by itself at {run.wakes_at:%Y-%m-%d %H:%M} UTC" if run.wakes_at else "")


def _about_step(session: Session, run: Enrollment, wanted: str) -> Why:
    program = journeys.compiled(session, run.digest)
    step = _step(program, wanted)
    recorded = decisions.last_of(session, run.id, MOST, step)
    mail = messages.last_of_step(session, run.id, step)
    if mail is not None:
        told = _told(mail, recorded)
        told.enrollment = run
        return told
    hook = hooks.last_of_step(session, run.id, step)
    if hook is not None:
        waits = hook.not_before if hook.status == HookStatus.PLANNED else None
        return Why(
            answer=_called(hook), entered=True, enrollment=run, hook=hook, next_at=waits, decisions=recorded
        )  # fmt: skip
    if run.status == EnrollmentStatus.LIVE and run.step == step:
        return Why(answer=_stands(run), entered=True, enrollment=run, next_at=run.wakes_at, decisions=recorded)
    if recorded:
        last = recorded[-1]
        told = f"the step was reached on {last.at:%Y-%m-%d %H:%M} UTC: {last.what}"
        return Why(answer=f"{told}; {_stands(run)}", entered=True, enrollment=run, decisions=recorded)
    elsewhere = [one for one in decisions.last_of(session, run.id, MOST) if one.what in TURNS]
    why = f"; the last turn it took: {_turn(elsewhere[-1])}" if elsewhere else ""
    return Why(
        answer=f"the step was not reached: {_stands(run)}{why}",
        entered=True,
        enrollment=run,
        next_at=run.wakes_at,
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


def _called(hook: Hook) -> str:
    """What became of a webhook or a note, with the last answer and when it is called again."""
    told = f"{hook.step} {_CALLS[hook.status]}"
    if hook.status == HookStatus.PLANNED:
        told += f"{' again' if hook.attempts else ''} at {hook.not_before:%Y-%m-%d %H:%M} UTC"
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


def _turn(decision: Decision) -> str:
    known = decision.detail
    way = known.get("to") or known.get("took") or known.get("variant") or known.get("reason") or ""
    return f"{decision.what} {way} on {decision.at:%Y-%m-%d %H:%M} UTC".replace("  ", " ")


# -- who never entered -------------------------------------------------------------------------------------------------


def _never_entered(session: Session, customer: Customer, journey: str, now: datetime) -> Why:
    """The refusal that is on record; else which of the journey's ways in never came, and what their guards say now."""
    refusals = decisions.last_refusals(session, customer.id, journey, MOST)
    live = _live(session, journey)
    triggers = _triggers(session, customer, live[1], now) if live else []
    if refusals:
        last = refusals[-1]
        reason = str(last.detail.get("reason"))
        event = last.detail.get("event") or last.detail.get("schedule") or "a call"
        told = f"{event} on {last.at:%Y-%m-%d %H:%M} UTC did not let the customer in: {REFUSALS.get(reason, reason)}"
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
    known = known_facts.facts_of(session, customer)
    found: list[dict[str, Any]] = []
    for trigger in program.triggers:
        shown: dict[str, Any] = {
            "on": trigger.event,
            "happened": customer.events.get(trigger.event, {}).get("count", 0),
        }
        if trigger.given:
            shown["where"] = dict(trigger.given)
        if trigger.guard is not None:
            text = program.guards[trigger.guard]
            shown["guard"] = text
            if not guards.reads_event(text):
                verdict = guards.evaluate(text, customer_facts.context(known, None, {}, now))
                shown |= {"holds_now": verdict.holds, "seen": dict(verdict.seen)}
        found.append(shown)
    return found


def _missing(triggers: Sequence[dict[str, Any]]) -> str:
    if not triggers:
        return "the journey is entered by a call of the API alone, and there was none"
    parts: list[str] = []
    for one in triggers:
        came = (
            f"{one['on']} came {one['happened']} times before it was published"
            if one["happened"]
            else f"{one['on']} never came"
        )
        if one.get("holds_now") is False:
            came += f", and its guard is false now ({one['guard']}, seen {one['seen']})"
        parts.append(came)
    return "; ".join(parts)


def _asked(one: dict[str, Any]) -> str:
    return f"{one.get('guard')} was false, seen {one.get('seen')}"
