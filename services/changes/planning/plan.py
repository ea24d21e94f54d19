"""The plan of a publish: what would become of everybody who is under way, counted before anything happens.

It is an operation, whose id is the token with which the publish refers to it. Each page is read, judged and kept in one
transaction, so a plan goes on where a worker died. Nothing that it counts is changed by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.changes.mapping import BadMoves, Moves, mapping_of
from journeys.changes.outcomes import AlikeOutcomes, Choices
from journeys.language.definition import Definition
from journeys.program import compiler
from services.changes.planning import impact, moving
from services.changes.planning.counted import CountedChanges, acts_soon
from services.changes.planning.impact import Impact, RunsOn
from services.changes.planning.moving import Judged, TargetVersion
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, Refused
from services.messages.deciding import eligibility
from services.operations import operations
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store import bulk
from store.queries.definitions import plans
from store.queries.enrollment import live_enrollments
from store.queries.figures import counts
from store.queries.identity import customers
from store.queries.mails import enrollment_mail
from store.session import Database
from store.tables.access import Operation
from store.tables.plans import PlanEntry

KIND = "plan journey"
"""What the operation is called."""

PAGE = 1_000
"""Enrollments that are judged in one transaction: some tenths of a second."""

_CHOICES: TypeAdapter[Choices] = TypeAdapter(Choices)
_ALIKE: TypeAdapter[AlikeOutcomes] = TypeAdapter(AlikeOutcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is to be planned, a version of the journey, a definition or its draft; and what the author says about it.

    `lines` are those of the moves, by place, where they were given as text.
    """

    version: int | None = None
    definition: Definition | None = None
    moves: Moves = field(default_factory=Moves)
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    choices: Choices = field(default_factory=Choices)
    share: int = 100


def start(
    session: Session, key: str, asked: PlanRequest, by: str, now: datetime, templates: frozenset[str]
) -> Operation:
    """Ask for a plan; `templates` are those that there are.

    Raise NotFound where there is no such version or no draft, Refused where nobody is under way since it was never
    published, the version is archived, or it sends a template that is gone; InvalidInput where the moves do not fit.
    """
    journey = journeys.get(session, key)
    if journey.live_version is None:
        raise Refused(f"the journey {key!r} is not published, so nobody is under way in it")
    if asked.version is not None:
        journeys.open_version(session, key, asked.version)
    definition = asked.definition or journeys.draft_or(session, key, asked.version)
    check_templates(definition, templates)
    _check(journeys.definition(session, key), definition, asked)
    request: dict[str, Any] = {
        "journey": key,
        "from": journey.live_version,
        "version": asked.version,
        "digest": definition.digest(),
        "canonical": definition.canonical(),
        "moves": asdict(asked.moves),
        "choices": _CHOICES.dump_python(asked.choices, mode="json"),
        "share": asked.share,
    }
    return operations.start(session, KIND, request, now, by=by, total=counts.live(session).get(key, 0))


def asked_by_plan(former: Operation) -> PlanRequest:
    """What a plan of the draft was asked with, to ask it of today's draft."""
    told = former.request
    choices = _CHOICES.validate_python(told["choices"])
    return PlanRequest(moves=Moves(**told["moves"]), choices=choices, share=told["share"])


def check_templates(definition: Definition, templates: frozenset[str]) -> None:
    """Raise Refused where it sends what is not among these templates: an older version may."""
    gone = sorted(compiler.compile_journey(definition).templates - templates)
    if gone:
        raise Refused(f"it sends {', '.join(map(repr, gone))}: there is no such template any more", "template_gone")


def _check(live: Definition, other: Definition, asked: PlanRequest) -> None:
    try:
        mapping_of(compiler.compile_journey(live), compiler.compile_journey(other), asked.moves)
    except BadMoves as bad:
        found = [
            f"line {asked.lines[one.place]}: {one.message}" if one.place in asked.lines else one.message
            for one in bad.problems
        ]
        raise InvalidInput("; ".join(found), bad.problems[0].place) from None


def target(operation: Operation, number: int | None = None) -> TargetVersion:
    """The version that a plan is about, under the number that it gets."""
    asked = operation.request
    return TargetVersion(
        number=number or asked["from"] + 1,
        program=compiler.load(asked["canonical"]),
        moves=Moves(**asked["moves"]),
        choices=_CHOICES.validate_python(asked["choices"]),
        share=asked["share"],
    )


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A page of live enrollments at a time, in the order of their ids."""
    aim = target(operation)
    while True:
        yield lambda session: _page(session, operation, aim, clock())


def _page(session: Session, operation: Operation, aim: TargetVersion, now: datetime) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    known = current.result or {}
    those = live_enrollments.page(session, current.request["journey"], current.cursor, PAGE)
    if not those and "token" in known:
        return None
    counted, month = CountedChanges.from_json(known), Impact.read(known.get("counted", {}))
    seqs = customers.last_events(session, {one.customer_id for one in those})  # before: what comes between is seen then
    judged = list(moving.judge(session, aim, those, now))
    plans.add(session, [_entry(current.id, one, seqs.get(one.enrollment.customer_id), now) for one in judged])
    _run_on(session, aim, [one for one in judged if _is_sampled(current, one)], month, now)
    for one in judged:
        counted.add(one.enrollment.id, one.outcome, now)
    cursor = those[-1].id if those else current.cursor
    return Done(count=len(those), cursor=cursor, result=_told(current, counted, month, whole=not those))


def _told(operation: Operation, counted: CountedChanges, month: Impact, *, whole: bool) -> dict[str, Any]:
    asked = operation.request
    told = {"journey": asked["journey"], "from": asked["from"], "to": asked["version"] or asked["from"] + 1}
    if not whole:
        return {**told, **counted.as_json(), "counted": month.counts()}
    end = {"impact": month.as_json(counted.kinds.total()), "counted": None, "token": operation.id}
    return {**told, **counted.as_json(), **end}


def _entry(plan: str, one: Judged, seq: int | None, now: datetime) -> bulk.ColumnValues:
    outcome = one.outcome
    soon = {"soon": True} if acts_soon(outcome, now) else {}
    return {
        "operation_id": plan,
        "enrollment_id": one.enrollment.id,
        "customer_id": one.enrollment.customer_id,
        "kind": outcome.kind,
        "version": one.enrollment.version,
        "stage": outcome.was.stage,
        "step": outcome.was.step,
        "to_stage": outcome.to.stage,
        "to_step": outcome.to.step,
        "wakes": one.enrollment.wakes,
        "seq": seq,
        "acts_at": min((at for at in outcome.acts if at is not None), default=None),
        "detail": moving.told(outcome) | soon,
    }


# -- the month that follows --------------------------------------------------------------------------------------------


def _is_sampled(operation: Operation, one: Judged) -> bool:
    told = one.standing is not None and not one.standing.state.ended
    return told and impact.sampled(one.enrollment.id, operation.total or 0)


def _run_on(session: Session, aim: TargetVersion, those: list[Judged], month: Impact, now: datetime) -> None:
    runs_on = RunsOn(month, eligibility.load_policy_terms(session), now)
    for one in those:
        assert one.standing is not None
        mapping = aim.mapping(journeys.compiled(session, one.enrollment.digest))
        runs_on.add(one.standing, mapping, one.outcome.state)


# -- what has changed since -------------------------------------------------------------------------------------------


def counted_anew(session: Session, operation: Operation, now: datetime) -> CountedChanges:
    """What the same plan counts now: those are judged anew to whom something has happened since, and no others."""
    aim, journey = target(operation), operation.request["journey"]
    others = plans.outdated(session, operation.id, journey, now)
    others |= enrollment_mail.with_a_held_one(session)
    templates = moving.templates_of(session, aim, live_enrollments.digests(session, journey))
    others |= enrollment_mail.changed_since(session, journey, templates, operation.created_at)
    counted = CountedChanges.from_json(operation.result or {})
    for known in plans.entries(session, operation.id, others):
        counted.remove(known.enrollment_id, _alike(known), soon=known.detail.get("soon", False))
    for part in bulk.parts(sorted(others)):
        those = [one for one in live_enrollments.by_ids(session, part) if one.journey == journey]
        for one in moving.judge(session, aim, those, now):
            counted.add(one.enrollment.id, one.outcome, now)
    return counted


def _alike(known: PlanEntry) -> AlikeOutcomes:
    return _ALIKE.validate_python(
        {
            "kind": known.kind,
            "was": {"stage": known.stage, "step": known.step},
            "to": {"stage": known.to_stage, "step": known.to_step},
            "template": known.detail.get("template"),
            "reason": known.detail.get("reason"),
            "repeats": next(iter(known.detail.get("repeats", ())), None),
            "mails": known.detail.get("mails", ()) if known.kind == "mails_again" else (),
        }
    )
