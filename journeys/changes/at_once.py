"""What happens to somebody as soon as they are moved: the core itself says it, driven to its next wait."""

from collections.abc import Sequence
from datetime import datetime

from journeys.changes.outcomes import Standing
from journeys.machine.commands import Ask, Assign, Decide, Question
from journeys.machine.drive import Following, answered, drive
from journeys.machine.inputs import Answer, Input, Migrated, Planned, Woke
from journeys.machine.stages import guards_of
from journeys.machine.state import State
from journeys.program.nodes import NodeId, SendNode, StageKey
from journeys.program.program import Program, ProgramStage
from journeys.rules import answers, split_answers


def at_once(
    new: Program, moved: State, standing: Standing, now: datetime, unsent: frozenset[NodeId]
) -> tuple[str | None, Sequence[str]]:
    """How it leaves its stage or ends without a step's doing (None where it does not), and the templates that go.

    Every mail is taken to go that consent, caps and windows may still hold back, but for those of the steps `unsent`.
    """
    if not _acts(new, moved, standing, now):
        return None, ()
    left: list[str] = []
    mails: list[str] = []

    def answer(decisions: Sequence[Decide], question: Question | None) -> Answer | None:
        left.extend(told for one in decisions if (told := _leaving(one)))
        match question:
            case None:
                return None
            case Ask():
                return answers.answer(new, question, standing.known, None, standing.enrollment)[0]
            case Assign():
                return split_answers.assigned(new, question, standing.splits)
            case _:
                node = new.nodes[NodeId(question.step)]
                assert isinstance(node, SendNode)
                done = node.id in unsent or (question.step, question.visit) in standing.in_ledger
                mails.extend([] if done else [node.template])
                return Planned(number=question.number, at=now, outcome="planned")

    answered(drive(new, moved, _due_by(now)), answer)
    return next(iter(left), None), mails


def _acts(new: Program, moved: State, standing: Standing, now: datetime) -> bool:
    """Whether the move leads to anything: most wait for a later instant, in a stage whose guards do not hold."""
    if moved.paused:
        return False
    stage = new.stages[StageKey(moved.stage)]
    due = moved.mode == "run" or (moved.wakes_at is not None and moved.wakes_at <= now)
    return due or (stage.final and moved.mode == "rest") or _let_go(new, stage, moved, standing, now)


def _let_go(new: Program, stage: ProgramStage, moved: State, standing: Standing, now: datetime) -> bool:
    """Whether a guard that is asked whenever somebody was moved holds."""
    guards = guards_of(stage.by_guard)
    if not guards:
        return bool(stage.by_guard)
    ask = Ask(number=0, at=now, seq=moved.cursor, why="", stage=stage.key, visit=moved.visit, guards=guards)
    return any(answers.answer(new, ask, standing.known, None, standing.enrollment)[0].holds)


def _due_by(now: datetime) -> Following:
    """First the move itself, then every deadline that has come."""
    migrated = iter([Migrated(at=now)])

    def following(state: State) -> Input | None:
        due = state.wakes_at is not None and state.wakes_at <= now
        return next(migrated, None) or (Woke(at=state.wakes_at, seq=state.cursor) if due and state.wakes_at else None)

    return following


def _leaving(one: Decide) -> str | None:
    if one.what == "moved" and one.detail["cause"] != "go":
        return f"{one.detail['cause']} to {one.detail['to']}"
    if one.what == "ended" and one.detail["cause"] != "step":
        return str(one.detail["reason"])
    return None
