"""Webhooks and notes to colleagues: one row per step of a visit, called until it is taken or given up.

Receivers see the row's id as `webhook-id`, the same for every attempt, so that they can tell a repeat: calls are made
at least once. A mail to a colleague is never repeated where it may have gone.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlmodel import Session, col, select

from journeys.machine.commands import Decide
from journeys.program.program import NodeId, Notify, Program, Webhook
from services.customers import known_facts
from services.definitions import journeys
from store.queries import decisions
from store.statuses import HookStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment, Hook
from store.tables.messages import Lane

LANE = "hooks"
BATCH = 20
RETRIES = (5, 30, 120, 600, 3_600, 7_200, 14_400, 28_800)
"""Seconds until the next attempt, after which a call is given up: about sixteen hours."""

_NAMESPACE = uuid.UUID("b1a1e7d0-5f8e-5c55-9d33-7a0f2d6b9c44")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A call to make, with what its texts may name."""

    id: str
    attempts: int
    node: Webhook | Notify
    context: Mapping[str, Any]
    about: Mapping[str, Any]


class Answered(Protocol):
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
    if session.get(Hook, name) is None:
        session.add(
            Hook(
                id=name,
                kind="webhook" if record.what == "called" else "notify",
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


def withdraw(session: Session, hook_id: str) -> None:
    """Take back a call of an attempt that was lost, where it was not made yet."""
    hook = session.get(Hook, hook_id)
    if hook is not None and hook.status == HookStatus.PLANNED and hook.attempts == 0:
        session.delete(hook)


def anything_due(session: Session, now: datetime) -> bool:
    """Whether a claim may find something; asked often, so that an idle lane takes no lock."""
    query = select(Hook.id).where(Hook.status == HookStatus.PLANNED, col(Hook.not_before) <= now)
    return session.exec(query.limit(1)).first() is not None


def due(session: Session, now: datetime) -> list[Due]:
    """The next calls, the oldest first."""
    query = select(Hook).where(Hook.status == HookStatus.PLANNED, col(Hook.not_before) <= now)
    return [_due(session, one) for one in session.exec(query.order_by(col(Hook.not_before)).limit(BATCH)).all()]


def _due(session: Session, hook: Hook) -> Due:
    program: Program = journeys.compiled(session, hook.digest)
    node = program.nodes[NodeId(hook.step)]
    assert isinstance(node, Webhook | Notify)
    customer, enrollment = session.get(Customer, hook.customer_id), session.get(Enrollment, hook.enrollment_id)
    known = {**known_facts.attributes(customer), "events": customer.events} if customer else {}
    data = {**enrollment.data, "key": enrollment.key} if enrollment else {}
    about = {
        "journey": hook.journey,
        "stage": hook.stage,
        "step": hook.step,
        "enrollment": hook.enrollment_id,
        "customer": known.get("id") or hook.customer_id,
    }
    return Due(
        id=hook.id, attempts=hook.attempts, node=node, context={"customer": known, "enrollment": data}, about=about
    )


def record(session: Session, answers: Mapping[str, Answered], now: datetime) -> None:
    """Keep what became of the attempts, by hook; each end is a decision on the customer's timeline."""
    for hook_id, answer in answers.items():
        hook = session.get(Hook, hook_id)
        if hook is None or hook.status != HookStatus.PLANNED:
            continue
        hook.attempts += 1
        hook.answer, hook.error, hook.updated_at = answer.status, (answer.error or None), now
        if answer.outcome == "again" and hook.attempts <= len(RETRIES):
            hook.not_before = now + timedelta(seconds=RETRIES[hook.attempts - 1])
            session.add(hook)
            continue
        hook.status = HookStatus.DELIVERED if answer.outcome == "delivered" else HookStatus.FAILED
        session.add(hook)
        what = "hook_delivered" if hook.status == HookStatus.DELIVERED else "hook_failed"
        decisions.note(session, hook, what, _outcome(hook), now)


def _outcome(hook: Hook) -> dict[str, Any]:
    detail: dict[str, Any] = {"hook": hook.id, "attempts": hook.attempts}
    if hook.answer is not None:
        detail["answer"] = hook.answer
    if hook.error:
        detail["error"] = hook.error
    return detail


def take_over(session: Session, fence: str, now: datetime) -> None:
    """Become the one who calls."""
    session.merge(Lane(name=LANE, fence=fence, taken_at=now))


def owned(session: Session, fence: str) -> bool:
    owner = session.get(Lane, LANE)
    return owner is not None and owner.fence == fence
