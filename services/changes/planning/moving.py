"""Enrollments moved to another version: their place, their version, and what they wait for, a page in one transaction.

The database knows it at once; a workflow hears of it at its next wake (`Enrollment.migrating`), for which it is poked.
Who cannot be moved keeps place and version.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from journeys.changes.ahead_of import new_templates
from journeys.changes.mapping import Moves, VersionMapping, mapping_of
from journeys.changes.outcomes import Choices, JourneyPlace, Kind, PlaceOutcome, SentMail, Standing
from journeys.changes.place import place
from journeys.machine.ahead import pokes_for
from journeys.machine.commands import Plan
from journeys.machine.woken import kept
from journeys.program.assignment import is_tried_on
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from services.changes.planning import standings
from services.definitions.journey_versions import journeys
from services.messages.deciding.step_messages import PlanOutcome, message_row
from services.messages.deciding.withdrawing import withdraw_all
from store import bulk
from store.ids import message_of_step
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import decisions, interests, live_enrollments
from store.queries.enrollment.live_enrollments import EnrollmentRow
from store.queries.figures.counts import Tally
from store.queries.identity import customers
from store.queries.mails import enrollment_mail, messages
from store.statuses import MessageStatus

log = structlog.get_logger("waypost.changes")

PINNED = Choices(in_flight="pin")
"""What is chosen for those who are not among the share that moves."""

SENT_BEFORE = "sent_before"
"""Why the mail of a step is skipped that only the new version has: the other version sent the same one."""

OTHER_VERSION = "other_version"
"""Why a mail is skipped that waited for its hour when its step was left for one of the new version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetVersion:
    """The version that enrollments are moved to, and what its author said. `share` is how many in a hundred move.

    `mappings` are those made so far, by the digest of the version that is left.
    """

    number: int
    program: Program
    moves: Moves = field(default_factory=Moves)
    choices: Choices = field(default_factory=Choices)
    share: int = 100
    mappings: dict[str, VersionMapping] = field(default_factory=dict[str, VersionMapping], repr=False, compare=False)

    def mapping(self, old: Program) -> VersionMapping:
        """From this version; raise BadMoves where the author's moves fit no such version."""
        if old.digest not in self.mappings:
            self.mappings[old.digest] = mapping_of(old, self.program, _of_version(self.moves, old))
        return self.mappings[old.digest]

    def concerns(self, enrollment: str) -> bool:
        """Whether it is among those who are moved: the same ones always."""
        return is_tried_on(self.program.journey, enrollment, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An enrollment with what becomes of it; without a standing where that cannot be made out."""

    enrollment: EnrollmentRow
    standing: Standing | None
    outcome: PlaceOutcome


def judge(session: Session, target: TargetVersion, those: Sequence[EnrollmentRow], now: datetime) -> Iterator[Judged]:
    """What would become of each; nothing is changed. Raises BadMoves where the author's moves fit no such version.

    One of whom that cannot be told is `unsettled`, with the name of the error, and the log tells more.
    """
    digests = {one.digest for one in those}
    mappings = {digest: target.mapping(journeys.compiled(session, digest)) for digest in digests}
    standing = standings.of(session, those, templates_of(session, target, digests))
    for one in those:
        if one.id in standing:
            choices = target.choices if target.concerns(one.id) else PINNED
            yield _judged(one, standing[one.id], mappings[one.digest], now, choices)


def templates_of(session: Session, target: TargetVersion, digests: Collection[str]) -> set[str]:
    """The templates that those who run these definitions may be sent a second time, once they are moved."""
    mappings = [target.mapping(journeys.compiled(session, digest)) for digest in digests]
    return {one for mapping in mappings for one in new_templates(mapping)}


def _judged(
    one: EnrollmentRow, stands: Standing | Exception, mapping: VersionMapping, now: datetime, choices: Choices
) -> Judged:
    try:
        if isinstance(stands, Exception):
            raise stands
        return Judged(enrollment=one, standing=stands, outcome=place(mapping, stands, now, choices))
    except Exception as error:
        log.error("enrollment_not_judged", enrollment=one.id, exc_info=error)
        here, why = JourneyPlace(stage=one.stage, step=one.step), type(error).__name__
        return Judged(
            enrollment=one, standing=None, outcome=PlaceOutcome(kind="unsettled", was=here, to=here, reason=why)
        )


def _of_version(moves: Moves, old: Program) -> Moves:
    """Those of the moves that begin in this version: some may be in an older one than the author thought of."""
    return Moves(
        stages={one: other for one, other in moves.stages.items() if one in old.stages},
        steps={one: other for one, other in moves.steps.items() if one in old.nodes},
    )


def move(
    session: Session,
    target: TargetVersion,
    those: Mapping[str, str],
    now: datetime,
    refused: frozenset[Kind] = frozenset(),
) -> Counter[Kind]:
    """Move these enrollments (customers by enrollment); return how many became of each kind.

    Their customers are locked. Those who keep their version for a `refused` kind have it on their timeline.
    """
    heard = {one.id: one.seq for one in customers.lock_all(session, those.values())}
    found = live_enrollments.by_ids(session, list(those), target.number)
    ours = [one for one in found if one.customer_id == those[one.id]]
    judged = list(judge(session, target, ours, now))
    moved = [_hears_from_now(one, heard) for one in judged if one.outcome.state is not None]
    rows, tally = [_row(target, one, now) for one in moved], Tally()
    for one in moved:
        _count(tally, one, now)
    live_enrollments.change(session, rows)
    _wait_anew(session, target, moved)
    _skip_what_was_sent(session, target, moved, now)
    _skip_what_waited(session, moved, now)
    kept = [one for one in judged if one.outcome.kind in refused]
    decisions.add(session, [_decision(target, one, now) for one in [*moved, *kept]])
    poked = (one.enrollment for one in moved)
    pokes = [dispatches.row(one.id, one.workflow_id, "poke", {}, Priority.BULK_START, now) for one in poked]
    dispatches.add(session, pokes)
    tally.write(session)
    kinds = Counter[Kind](one.outcome.kind for one in judged)
    kinds["unsettled"] += len(found) - len(ours)  # their customer was merged into one who is not locked here
    return +kinds


def _hears_from_now(judged: Judged, heard: Mapping[str, int]) -> Judged:
    """Events before the move that its version did not wait for are no news to the other one; it knows them as facts.

    One that is paused or was poked has not looked at what came meanwhile: it hears that when it is waked.
    """
    state = judged.outcome.state
    if state is None or state.paused or judged.enrollment.poked_at is not None:
        return judged
    cursor = max(state.cursor, heard[judged.enrollment.customer_id])
    return replace(judged, outcome=replace(judged.outcome, state=state.changed(cursor=cursor)))


def _row(target: TargetVersion, judged: Judged, now: datetime) -> bulk.ColumnValues:
    state = judged.outcome.state
    assert state is not None
    return {
        "id": judged.enrollment.id,
        "version": target.number,
        "digest": target.program.digest,
        "migrating": True,
        "state": kept(state),
        "cursor": state.cursor,
        "stage": state.stage,
        "step": state.position,
        "visit": state.visit,
        "stage_since": state.since or judged.enrollment.stage_since,
        "wakes_at": state.wakes_at,
        "poked_at": judged.enrollment.poked_at or now,
    }


def _count(tally: Tally, judged: Judged, now: datetime) -> None:
    own, was, to = judged.enrollment, judged.outcome.was, judged.outcome.to
    if was == to:
        return
    tally.leave(own.id, (own.journey, own.stage, own.step or ""))
    tally.arrive(own.id, (own.journey, to.stage, to.step or ""))
    if was.stage != to.stage:
        tally.move(own.id, own.journey, was.stage, to.stage, now)


def _wait_anew(session: Session, target: TargetVersion, moved: Sequence[Judged]) -> None:
    interests.drop_all(session, [one.enrollment.id for one in moved])
    rows = [
        interests.row(one.enrollment.id, one.enrollment.customer_id, name)
        for one in moved
        if one.outcome.state is not None
        for name in pokes_for(target.program, one.outcome.state)
    ]
    interests.add(session, rows)


def _skip_what_was_sent(session: Session, target: TargetVersion, moved: Sequence[Judged], now: datetime) -> None:
    """The ledger says already that these steps send nothing in this visit."""
    if target.choices.again == "send":
        return
    rows = [_skipped(target, one, step, now) for one in moved for step in one.outcome.repeats]
    known = enrollment_mail.known(session, [row["id"] for row in rows])
    messages.add(session, [row for row in rows if row["id"] not in known])


def _skip_what_waited(session: Session, moved: Sequence[Judged], now: datetime) -> None:
    """A mail that waited for its hour at a step that is another one now, or none: nobody would plan it again."""
    left = [
        message_of_step(one.enrollment.id, one.outcome.was.step, one.enrollment.visit)
        for one in moved
        if one.outcome.was.step is not None and one.outcome.to.step != one.outcome.was.step
    ]
    found = messages.unclaimed_among(session, left) if left else ()
    withdraw_all(session, [one for one in found if one.status == MessageStatus.DEFERRED], OTHER_VERSION, now)


def _skipped(target: TargetVersion, judged: Judged, step: NodeId, now: datetime) -> bulk.ColumnValues:
    state, node = judged.outcome.state, target.program.nodes[step]
    assert state is not None
    assert isinstance(node, SendNode)
    asked = Plan(number=0, at=now, seq=state.cursor, stage=state.stage, visit=state.visit, step=step, due=now)
    fate = PlanOutcome(status=MessageStatus.SKIPPED, reason=SENT_BEFORE)
    own = judged.enrollment
    return message_row(target.program, own.id, own.customer_id, asked, node, now, fate)


def _decision(target: TargetVersion, judged: Judged, now: datetime) -> bulk.ColumnValues:
    own, outcome = judged.enrollment, judged.outcome
    detail: dict[str, Any] = {
        "from": {"version": own.version, "stage": outcome.was.stage, "step": outcome.was.step},
        "to": {"version": target.number, "stage": outcome.to.stage, "step": outcome.to.step},
        "kind": outcome.kind,
        **({"number": judged.standing.state.number} if judged.standing is not None else {}),
        **told(outcome),
    }
    what = "migrated" if outcome.state is not None else "not_migrated"
    return decisions.row(
        own.customer_id, what, detail, now, journey=own.journey, enrollment_id=own.id,
        stage=outcome.to.stage, step=outcome.to.step, visit=own.visit,
    )  # fmt: skip


def told(outcome: PlaceOutcome) -> dict[str, Any]:
    """What an outcome tells beside its kind and places, as JSON."""
    before, after = outcome.acts
    said: dict[str, Any] = {
        "by": outcome.by,
        "acted": before.isoformat() if before else None,
        "acts": after.isoformat() if after else None,
        "template": outcome.template,
        "sent_at": outcome.sent_at.isoformat() if outcome.sent_at else None,
        "reason": outcome.reason,
        "mails": outcome.mails,
        "repeats": {step: _mail(mail) for step, mail in outcome.repeats.items()},
    }
    return {name: value for name, value in said.items() if value}


def _mail(mail: SentMail) -> str:
    return f"{mail.template}, {mail.at.isoformat()}"
