"""Decisions: every recorded "why". The one maker of their rows.

A decision about a numbered command of an enrollment carries its number, which is unique there; one about a mail, a hook
or a customer carries none. Rows are written at once,
past the unit of work.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session, col, func, select

from store import bulk
from store.ids import new_id
from store.tables.enrollments import Decision
from store.tables.messages import Message

NEWEST_FIRST = (
    col(Decision.at).desc(),
    col(Decision.number).is_(None).desc(),
    func.coalesce(Decision.number, 0).desc(),
    col(Decision.id).desc(),
)
"""The order of the timeline. At one instant what a wake decides comes before what a lane, or a person, does with it,
which carries no number; where the absent ones stand otherwise, each database has an opinion of its own."""


class NumberedCommand(Protocol):
    """A command of the core, seen from here: its number, its instant, and where in the journey it stands."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def stage(self) -> str: ...
    @property
    def step(self) -> str | None: ...
    @property
    def visit(self) -> int: ...


class DecisionSubject(Protocol):
    """A mail or a hook: whose it is, and the step that it comes from (a broadcast's mail comes from none)."""

    @property
    def customer_id(self) -> str: ...
    @property
    def journey(self) -> str: ...
    @property
    def enrollment_id(self) -> str | None: ...
    @property
    def stage(self) -> str | None: ...
    @property
    def step(self) -> str | None: ...
    @property
    def visit(self) -> int | None: ...


def last_of(session: Session, enrollment_id: str, limit: int, step: str | None = None) -> Sequence[Decision]:
    """The last decisions of an enrollment (about one of its steps), at most `limit`, the oldest of them first."""
    query = select(Decision).where(Decision.enrollment_id == enrollment_id)
    if step is not None:
        query = query.where(Decision.step == step)
    return _last(session, query, limit)


def last_refusals(session: Session, customer_id: str, journey: str, limit: int) -> Sequence[Decision]:
    """The last times that a journey did not let a customer in, at most `limit`, the oldest of them first."""
    query = select(Decision).where(
        Decision.customer_id == customer_id, Decision.journey == journey, Decision.what == "not_entered"
    )
    return _last(session, query, limit)


def _last(session: Session, query: Any, limit: int) -> Sequence[Decision]:
    return session.exec(query.order_by(*NEWEST_FIRST).limit(limit)).all()[::-1]


def last_of_customer(session: Session, customer_id: str, limit: int) -> Sequence[Decision]:
    """The last decisions about a customer in their enrollments, at most `limit`, the oldest of them first."""
    query = select(Decision).where(Decision.customer_id == customer_id, col(Decision.enrollment_id).is_not(None))
    return _last(session, query, limit)


def moves_of(session: Session, enrollment_ids: Collection[str]) -> Sequence[Decision]:
    """The times that these enrollments were moved to another version, the oldest first; none of none."""
    if not enrollment_ids:
        return []
    query = select(Decision).where(col(Decision.enrollment_id).in_(enrollment_ids), Decision.what == "migrated")
    return sorted(session.exec(query).all(), key=lambda one: one.at)


def of_message(session: Session, message: Message, limit: int) -> Sequence[Decision]:
    """The last decisions about a mail, at most `limit`, the oldest of them first.

    They are those of its step's visit. A mail that no enrollment sent (a broadcast's, or one that asks to confirm) is
    named in them.
    """
    query = select(Decision).where(Decision.customer_id == message.customer_id)
    if message.enrollment_id is None:
        alone = query.where(col(Decision.enrollment_id).is_(None), col(Decision.at) >= message.planned_at)
        found = session.exec(alone.order_by(*NEWEST_FIRST)).all()[::-1]
        return [one for one in found if one.detail.get("message") == message.id][-limit:]
    visit = query.where(
        Decision.enrollment_id == message.enrollment_id,
        Decision.step == message.step,
        Decision.visit == message.visit,
    )
    return _last(session, visit, limit)


def row(
    customer_id: str,
    what: str,
    detail: Mapping[str, Any],
    at: datetime,
    *,
    journey: str = "",
    enrollment_id: str | None = None,
    number: int | None = None,
    stage: str | None = None,
    step: str | None = None,
    visit: int | None = None,
) -> bulk.ColumnValues:
    """The columns of a decision. `what` is a word of the timeline; `at` is the instant it counts from (UTC)."""
    return {
        "id": new_id("dec"),
        "customer_id": customer_id,
        "journey": journey,
        "enrollment_id": enrollment_id,
        "number": number,
        "at": at,
        "what": str(what),
        "stage": stage,
        "step": step,
        "visit": visit,
        "entered_stage": _entered_stage(str(what), stage, detail),
        "detail": detail,
    }


def _entered_stage(what: str, stage: str | None, detail: Mapping[str, Any]) -> str | None:
    """The stage to which somebody came by a decision: by entering, by a move, or by one to another version."""
    match what:
        case "entered":
            return stage
        case "moved":
            return detail["to"]
        case "migrated" if detail["from"]["stage"] != detail["to"]["stage"]:
            return detail["to"]["stage"]
        case _:
            return None


def of_command(
    command: NumberedCommand,
    what: str,
    detail: Mapping[str, Any],
    *,
    customer_id: str,
    journey: str,
    enrollment_id: str,
) -> bulk.ColumnValues:
    """A decision about a command of an enrollment."""
    return row(
        customer_id,
        what,
        detail,
        command.at,
        journey=journey,
        enrollment_id=enrollment_id,
        number=command.number,
        stage=command.stage,
        step=command.step,
        visit=command.visit,
    )


def about(subject: DecisionSubject, what: str, detail: Mapping[str, Any], at: datetime) -> bulk.ColumnValues:
    """A decision about a mail or a hook, outside the numbered ones of its enrollment."""
    return row(
        subject.customer_id,
        what,
        detail,
        at,
        journey=subject.journey,
        enrollment_id=subject.enrollment_id,
        stage=subject.stage,
        step=subject.step,
        visit=subject.visit,
    )


def note(session: Session, subject: DecisionSubject, what: str, detail: Mapping[str, Any], at: datetime) -> None:
    """Put a decision about a mail or a hook on record."""
    add(session, [about(subject, what, detail, at)])


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Put decisions on record, at once and past the unit of work: what the session has pending is not written first."""
    bulk.add(session, Decision, rows)
