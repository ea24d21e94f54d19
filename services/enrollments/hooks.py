"""Webhooks and notes to colleagues: one row per step of a visit, called until it is taken or given up.

    planned → calling → delivered | failed (refused for good) | stuck (failed again and again)
                 └── again later ──► planned

Receivers see the row's id as `webhook-id`, the same for every attempt, so that they can tell a repeat: calls are made
at least once. A mail to a colleague is never repeated where it may have gone. An attempt counts from its claim, so
whatever becomes of whoever made it, no call is made without end.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlmodel import Session

from journeys.machine.commands import Decide
from journeys.program.nodes import NodeId, NotifyNode, WebhookNode
from journeys.program.program import Program
from services.customers.attributes import known_facts
from services.definitions.journey_versions import journeys
from services.errors import Fenced, NotFound, Refused
from services.installation import value_fit
from services.values import storable
from store.queries.enrollment import decisions
from store.queries.feedback import hand_overs
from store.queries.sending import hooks, lanes
from store.statuses import HookStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment, Hook
from value.value_model import ValueModel

LANE = "hooks"
"""The name under which they are owned, like a lane of mail."""

RETRIES = (5, 30, 120, 600, 3_600, 7_200, 14_400, 28_800)
"""Seconds until the next attempt, after which a call is set aside: about fifteen hours, a night in which nobody sees
that a receiver is down."""

MAY_HAVE_GONE = "the worker was lost while it was sent: it may or may not have gone"
"""Why a note has failed that was under way when its worker was lost."""

LEFT_AT_ONCE = 100
"""Calls of a lost owner that one transaction sees to, as a page of mails: with SQLite nobody else writes meanwhile."""

_NAMESPACE = uuid.UUID("b1a1e7d0-5f8e-5c55-9d33-7a0f2d6b9c44")

log = structlog.get_logger("waypost.hooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class DueHook:
    """A call to make, with what its texts may name. `attempt` counts from 1."""

    id: str
    source: hooks.HookSource
    attempt: int
    step: WebhookNode | NotifyNode
    context: Mapping[str, Any]
    about: Mapping[str, Any]


class HookOutcome(Protocol):
    """What became of one attempt (`mail.webhooks.answer.HookAnswer`, seen from here).

    `outcome` is `delivered`, `failed` for good, or `again`; `status` the HTTP status.
    """

    @property
    def outcome(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...


def plan(session: Session, enrollment: Enrollment, record: Decide, now: datetime) -> dict[str, Any]:
    """Put a call on its way; the same step of the same visit is the same call. Returns the decision's detail."""
    name = str(uuid.uuid5(_NAMESPACE, f"{enrollment.id}\0{record.step}\0{record.visit}"))
    session.add(
        Hook(
            id=name,
            kind="webhook" if record.what == "called" else "notify",
            once=record.detail.get("by") == "email",
            enrollment_id=enrollment.id,
            customer_id=enrollment.customer_id,
            journey=enrollment.journey,
            digest=enrollment.digest,
            stage=record.stage,
            step=record.step or "",
            visit=record.visit,
            not_before=now,
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()
    return {"hook": name}


# -- the owner's side --------------------------------------------------------------------------------------------------


def take_over(session: Session, fence: str, now: datetime) -> int:
    """Become the one who calls; return how many calls the last one left in the middle, LEFT_AT_ONCE at most.

    Where there are so many, `settle_left` sees to the others.
    """
    lanes.take_ownership(session, LANE, fence, now)
    return settle_left(session, fence, now)


def settle_left(session: Session, fence: str, now: datetime) -> int:
    """See to calls that a former owner left in the middle; return how many, LEFT_AT_ONCE at most.

    A webhook is made again, in its turn; a note by mail may have gone, and is not. Raise Fenced where there is another
    owner by now.
    """
    if not lanes.is_owner(session, LANE, fence):
        raise Fenced("the hooks have another owner")
    left = hooks.claimed_by_others(session, fence, LEFT_AT_ONCE)
    for hook in left:
        if hook.once:
            _end(session, hook, HookStatus.FAILED, None, MAY_HAVE_GONE, now)
        else:
            _again(session, hook, None, "the worker was lost while it was called", now)
    return len(left)


def claim(
    session: Session,
    fence: str,
    limit: int,
    now: datetime,
    without: Collection[hooks.HookSource] = (),
    unexpected: Callable[[], None] = lambda: None,
) -> list[DueHook]:
    """The next calls, the oldest first, which are this owner's to make. Raise Fenced where there is another owner.

    Those of the sources in `without` are left for later: their receiver has enough under way.
    One that cannot be made out (its step is gone) fails alone, and `unexpected` is called.
    """
    if not lanes.is_owner(session, LANE, fence):
        raise Fenced("the hooks have another owner")
    claimed: list[DueHook] = []
    model = value_fit.load(session)
    for hook in hooks.due(session, now, limit, without):
        hook.status, hook.fence, hook.attempts, hook.updated_at = HookStatus.CALLING, fence, hook.attempts + 1, now
        session.add(hook)
        try:
            claimed.append(_due(session, hook, model, now))
        except Exception as error:
            log.error("hook_not_made_out", hook=hook.id, exc_info=error)
            unexpected()
            _end(session, hook, HookStatus.FAILED, None, f"it cannot be made out: {type(error).__name__}", now)
    return claimed


def put_back(session: Session, fence: str, ids: Collection[str], now: datetime) -> None:
    """Return what was claimed and not called: it counts as no attempt."""
    for hook_id in sorted(ids):
        hook = hooks.locked(session, hook_id)
        if hook is not None and (hook.status, hook.fence) == (HookStatus.CALLING, fence):
            hook.status, hook.attempts, hook.updated_at = HookStatus.PLANNED, hook.attempts - 1, now
            session.add(hook)


def record(session: Session, fence: str, hook_id: str, attempt: int, answer: HookOutcome, now: datetime) -> None:
    """Keep what became of an attempt; an end is a decision on the customer's timeline.

    One that is another owner's by now is left alone: it is called again, under the same id.
    """
    hook = hooks.locked(session, hook_id)
    if hook is None or (hook.status, hook.fence, hook.attempts) != (HookStatus.CALLING, fence, attempt):
        return
    match answer.outcome:
        case "delivered":
            if hook.once:
                hand_overs.sent(session, hook.id, hook)
            _end(session, hook, HookStatus.DELIVERED, answer.status, answer.error, now)
        case "again":
            _again(session, hook, answer.status, answer.error, now)
        case _:
            _end(session, hook, HookStatus.FAILED, answer.status, answer.error, now)


def set_aside(session: Session, fence: str, hook_id: str, attempt: int, why: str, now: datetime) -> None:
    """An attempt of which nothing else can be kept, the database refuses it: it waits for a person (`stuck`).

    Its row says why, and nothing is written beside it.
    """
    hook = hooks.locked(session, hook_id)
    if hook is not None and (hook.status, hook.fence, hook.attempts) == (HookStatus.CALLING, fence, attempt):
        hook.status, hook.error, hook.updated_at = HookStatus.STUCK, why, now
        session.add(hook)


def _again(session: Session, hook: Hook, answer: int | None, error: str | None, now: datetime) -> None:
    """Later, ever more slowly; after the last retry it is set aside."""
    error = storable(error)
    if hook.attempts > len(RETRIES):
        return _end(session, hook, HookStatus.STUCK, answer, error, now)
    hook.status, hook.answer, hook.error, hook.updated_at = HookStatus.PLANNED, answer, error or None, now
    hook.not_before = now + timedelta(seconds=RETRIES[hook.attempts - 1])
    session.add(hook)
    if hook.attempts == 1:  # the first failure is told at once; the others would only repeat it
        again = {"again_at": hook.not_before.isoformat()}
        decisions.note(session, hook, "hook_failing", _outcome(hook) | again, now)
    return None


def _end(
    session: Session, hook: Hook, status: HookStatus, answer: int | None, error: str | None, now: datetime
) -> None:
    hook.status, hook.answer, hook.error, hook.updated_at = status, answer, storable(error) or None, now
    session.add(hook)
    what = "hook_delivered" if status == HookStatus.DELIVERED else "hook_failed"
    decisions.note(session, hook, what, _outcome(hook), now)


def _outcome(hook: Hook) -> dict[str, Any]:
    detail: dict[str, Any] = {"hook": hook.id, "attempts": hook.attempts}
    if hook.status == HookStatus.STUCK:
        detail["stuck"] = True
    if hook.answer is not None:
        detail["answer"] = hook.answer
    if hook.error:
        detail["error"] = hook.error
    return detail


def _due(session: Session, hook: Hook, model: ValueModel, now: datetime) -> DueHook:
    program: Program = journeys.compiled(session, hook.digest)
    step = program.nodes[NodeId(hook.step)]
    assert isinstance(step, WebhookNode | NotifyNode)
    customer, enrollment = session.get(Customer, hook.customer_id), session.get(Enrollment, hook.enrollment_id)
    known = known_facts.for_templates(customer, model, now) if customer else {}
    data = {**enrollment.data, "key": enrollment.key} if enrollment else {}
    about = {
        "journey": hook.journey,
        "stage": hook.stage,
        "step": hook.step,
        "enrollment": hook.enrollment_id,
        "customer": known.get("id") or hook.customer_id,
    }
    context = {"customer": known, "enrollment": data}
    source = (hook.digest, hook.step)
    return DueHook(id=hook.id, source=source, attempt=hook.attempts, step=step, context=context, about=about)


# -- a person's side ---------------------------------------------------------------------------------------------------


def get(session: Session, hook_id: str) -> Hook:
    """A hook; raise NotFound."""
    found = session.get(Hook, hook_id)
    if found is None:
        raise NotFound(f"there is no hook {hook_id!r}")
    return found


def retry(session: Session, hook_id: str, now: datetime) -> Hook:
    """Call again, at once, with all its attempts before it. Raise Refused where it neither failed nor is stuck.

    A note that may have gone is a person's to repeat, too.
    """
    hook = _set_aside(session, hook_id)
    hook.status, hook.attempts, hook.not_before, hook.updated_at = HookStatus.PLANNED, 0, now, now
    session.add(hook)
    return hook


def cancel(session: Session, hook_id: str, now: datetime) -> Hook:
    """Give a call up. Raise Refused where it is under way, or has ended otherwise."""
    hook = _set_aside(session, hook_id, HookStatus.PLANNED)
    hook.status, hook.updated_at = HookStatus.CANCELLED, now
    session.add(hook)
    decisions.note(session, hook, "hook_cancelled", {"hook": hook.id, "attempts": hook.attempts}, now)
    return hook


def _set_aside(session: Session, hook_id: str, *also: HookStatus) -> Hook:
    hook = hooks.locked(session, hook_id)
    if hook is None:
        raise NotFound(f"there is no hook {hook_id!r}")
    if hook.status not in (HookStatus.FAILED, HookStatus.STUCK, *also):
        raise Refused(f"the hook is {hook.status}")
    return hook
