"""Publishing with those who are under way: what was planned is checked once more, published, and done.

What is dangerous must be as it was counted; what is harmless may differ a little, since customers go on meanwhile.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session

from journeys.changes.outcomes import KEEPS, Kind
from services.changes.planning import moving, plan
from services.changes.planning.counted import drifted
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, NotFound, Refused
from services.operations import operations
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store.queries.enrollment import live_enrollments
from store.session import Database
from store.statuses import OperationStatus
from store.tables.access import Operation
from store.tables.definitions import JourneyVersion

KIND = "move enrollments"
"""What the operation is called that does it."""

LIVES = timedelta(minutes=15)
"""How long a plan may be referred to."""

PAGE = 200
"""Enrollments that are moved in one transaction: their customers are locked for some tenths of a second."""

PASSES, BETWEEN = 5, 5.0
"""How often those are tried who were about to act, or whose mail was on its way; seconds between two times."""

WAITS = "waits for those who are about to act"

REFUSED: frozenset[Kind] = frozenset({"stranded"})
REFUSED_AT_LAST: frozenset[Kind] = frozenset({"unsettled"})
"""Kinds that are put on record as not moved, at the first pass and at the last."""


InFlightChoice = Literal["pin", "move"]
"""Those under way keep their version, or go over as it was planned."""

NOBODY: Mapping[str, Mapping[str, int]] = {"moved": {}, "kept": {}}
"""The result of a move before anybody was looked at."""


class Drifted(Exception):
    """What is under way has changed since it was planned: `kinds` that differ, and the counts of now."""

    def __init__(self, kinds: Sequence[str], now: Mapping[str, Any]) -> None:
        super().__init__(f"what is under way has changed since it was planned: {', '.join(kinds)}")
        self.kinds, self.now = kinds, now


def in_flight(planned: Operation, said: InFlightChoice | None) -> InFlightChoice:
    """What becomes of those under way: what the plan tells, or, where `pin` is said, nothing of it.

    Raise InvalidInput where they are to be moved by a plan that pins them.
    """
    told = plan.asked_by_plan(planned).choices.in_flight
    if said == "move" and told == "pin":
        raise InvalidInput("the plan leaves everybody on their version; plan it with in_flight: move", "in_flight")
    return said or told


def unchanged(session: Session, planned: Operation, now: datetime) -> None:
    """Judge those anew to whom something has happened since they were planned; raise Drifted where it must be seen."""
    told, counted = planned.result or {}, plan.counted_anew(session, planned, now)
    kinds = drifted(told["kinds"], counted.kinds)
    if kinds:
        raise Drifted(kinds, counted.as_json())


def named(session: Session, key: str, token: str, now: datetime) -> Operation:
    """The plan of this journey that a token names; raise Refused where it may not be carried out."""
    try:
        operation = operations.get(session, token)
    except NotFound:
        raise Refused("there is no such plan; plan again", "unknown_token") from None
    if operation.kind != plan.KIND or operation.request["journey"] != key:
        raise Refused(f"the token is of no plan of {key!r}; plan again", "unknown_token")
    if operation.status != OperationStatus.DONE or not operation.result:
        raise Refused(f"the plan is {operation.status}; wait until it is done", "unfinished_plan")
    if now - (operation.finished_at or operation.created_at) > LIVES:
        raise Refused("the plan is older than 15 minutes; plan again", "old_token")
    journey = journeys.get(session, key)
    definition = journeys.draft_or(session, key, operation.request["version"])
    if definition.digest() != operation.request["digest"] or journey.live_version != operation.request["from"]:
        raise Refused("the plan is of another draft, or another version is live by now; plan again", "other_draft")
    return operation


def one_at_a_time(session: Session, key: str, planned: Operation | None) -> None:
    """Before anything is published: hold the journey's row until the transaction ends.

    Raise Refused where customers are on their way to another version, which would be led back and forth; or where
    somebody has published since the plan was checked.
    """
    journey = journeys.held(session, key)
    moving_now = operations.under_way(session, KIND, key)
    if moving_now is not None:
        told = (
            f"customers are on their way to version {moving_now.request['number']}; wait for {moving_now.id}, or cancel"
        )
        raise Refused(f"{told} it", "moving")
    if planned is not None and journey.live_version != planned.request["from"]:
        raise Refused("another version is live by now; plan again", "other_draft")


def check_draft(planned: Operation, version: JourneyVersion) -> None:
    """Raise Refused where another draft was published than the one that was planned: it was changed meanwhile."""
    if version.digest != planned.request["digest"]:
        raise Refused("the draft was changed at this very moment; plan again", "other_draft")


def move(session: Session, planned: Operation, version: JourneyVersion, by: str, now: datetime) -> Operation:
    """Ask for what was planned, with the version that was published."""
    request = {**planned.request, "plan": planned.id, "number": version.number}
    return operations.start(session, KIND, request, now, by=by, total=planned.done)


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A page at a time, in the order of the enrollments' ids; those that were about to act once more, PASSES times."""
    aim = plan.target(operation, operation.request["number"])
    while True:
        with database.reading() as session:
            current = session.get(Operation, operation.id)
        if current is not None and current.note == WAITS:
            time.sleep(BETWEEN)
        yield lambda session: _page(session, operation, aim, clock())


def _page(session: Session, operation: Operation, aim: TargetVersion, now: datetime) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    known = current.result or NOBODY
    turn, _, after = (current.cursor or "1/").partition("/")
    those = live_enrollments.elsewhere(session, aim.program.journey, aim.number, after, PAGE)
    last = int(turn) == PASSES
    if not those:
        if current.result is None:
            return Done(count=0, result=NOBODY)
        waits = not last and known["kept"].get("unsettled", 0) > 0
        return Done(count=0, cursor=f"{int(turn) + 1}/", result={"kept": {}}, note=WAITS) if waits else None
    refused = REFUSED_AT_LAST if last else REFUSED if turn == "1" else frozenset[Kind]()
    kinds = moving.move(session, aim, those, now, refused)
    moved = Counter({kind: count for kind, count in kinds.items() if kind not in KEEPS})
    return Done(
        count=moved.total(),
        cursor=f"{turn}/{next(reversed(those))}",
        result={
            "moved": Counter(known["moved"]) + moved,
            "kept": Counter(known["kept"]) + Counter({kind: kinds[kind] for kind in kinds if kind in KEEPS}),
        },
    )
