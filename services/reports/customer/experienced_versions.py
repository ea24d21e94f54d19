"""Which version of a journey decided what: told of each decision, whatever versions its enrollment was moved to since.

An enrollment knows its present version. Each move of it is a decision that names both versions, and how many commands
had been numbered before.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from store.queries.enrollment import decisions, enrollments
from store.tables.enrollments import Decision


def of(session: Session, those: Sequence[Decision]) -> Mapping[str, int]:
    """The version that made each of these decisions, by the decision's id; none for one outside an enrollment.

    Two statements, however many there are.
    """
    runs = enrollments.by_ids(session, {one.enrollment_id for one in those if one.enrollment_id})
    moves: defaultdict[str | None, list[Decision]] = defaultdict(list)
    for one in decisions.moves_of(session, list(runs)):
        moves[one.enrollment_id].append(one)
    return {
        one.id: _at(one, moves[one.enrollment_id], runs[one.enrollment_id].version)
        for one in those
        if one.enrollment_id in runs
    }


def _at(decision: Decision, moves: Sequence[Decision], present: int) -> int:
    """That from which the first move behind the decision led away, else the present one."""
    behind = (one.detail["from"]["version"] for one in moves if _is_before(decision, one))
    return next(behind, present)


def _is_before(decision: Decision, move: Decision) -> bool:
    """A command bears the instant of what it answers, which may lie before a move that was made meanwhile."""
    number = move.detail.get("number")
    if decision.number is not None and number is not None:
        return decision.number <= number
    return decision.at < move.at
