"""A guard tried on customers before it is a segment: who would belong, and of whom it cannot be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.facts.guard_cost import EVENT, Purse
from services.customers.attributes import known_facts
from services.customers.audiences import segments
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.tables.customers import Customer

LOOKED_AT = 200
"""Customers, the newest first: enough to see how values are written, in some tens of milliseconds."""

FIRST = 8
"""Customers who belong that are named: what is read at a glance."""

MOST_TOLD = 10
"""Problems that are told, and of each as many customers."""


@dataclass(slots=True, kw_only=True)
class GuardProblem:
    """Why the guard fails for some customers: how many, and what it saw of some of them, by customer."""

    problem: str
    count: int = 0
    seen: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPreview:
    """How many customers were looked at, how many belong and who first, and why the guard fails for others."""

    looked_at: int
    belong: int
    first: Sequence[Customer]
    warning: str | None
    problems: Sequence[GuardProblem]


def preview(session: Session, guard: str, now: datetime) -> SegmentPreview:
    """Ask a guard of the newest customers, as many as may be asked while others wait (EVENT); nothing is stored.

    Raise InvalidInput where it may be no segment's.
    """
    segments.check(guard)
    newest = Slice(limit=LOOKED_AT, descending=True)
    people, _ = lists.customers(session, newest, query_text=None, stage=None, segment=None, sort="id")
    known, problems = known_facts.of_all(session, [(one, None) for one in people]), dict[str, GuardProblem]()
    belong, purse, looked_at = list[Customer](), Purse(EVENT), 0
    for customer in people:
        verdict = guards.evaluate(guard, customer_facts.context(known[customer.id], None, {}, now), purse)
        if verdict.put_off:
            break
        looked_at += 1
        if verdict.holds:
            belong.append(customer)
        if verdict.error is not None:
            problem = problems.setdefault(verdict.error, GuardProblem(problem=verdict.error))
            problem.count += 1
            if len(problem.seen) < MOST_TOLD:
                problem.seen[customer.external_id or customer.id] = verdict.seen
    found = sorted(problems.values(), key=lambda one: -one.count)[:MOST_TOLD]
    mismatch = guards.type_problem(guard)
    return SegmentPreview(
        looked_at=looked_at,
        belong=len(belong),
        first=belong[:FIRST],
        warning=mismatch[1] if mismatch else None,
        problems=found,
    )
