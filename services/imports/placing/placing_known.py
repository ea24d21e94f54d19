"""Those who were customers before an import: placed where all that is known of them now puts them.

They are placed once all events of the file are there, since a customer may have several names in it. Whoever is in the
journey, or was and may not come again, is left alone; so an import that is run again places nobody twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlmodel import Session

from journeys.program.nodes import is_heard
from journeys.program.program import Program
from journeys.rules.split_answers import KnownSplits
from services.definitions.journey_versions import journeys
from services.enrollments import splits
from services.imports.histories import names_in_files
from services.imports.histories.names_in_files import NamedOnce
from services.imports.placing import gathered_histories
from services.imports.placing.placed_runs import Before, PlacedRuns
from services.values import Clock
from store.queries.definitions.journeys import LiveJourney
from store.queries.enrollment import assignments, last_runs
from store.queries.enrollment.last_runs import LatestRun
from store.queries.identity import customers, identities
from store.session import CameBetween, Database

LOOKED_UP = 500
"""Names whose customers are looked up at once."""

EXAMPLES = 10
"""Customers who were left alone that are named; all are counted."""


REASONS = ("already_enrolled", "been_before")
"""Why an import leaves somebody alone, by code, as in `entry_rules.REFUSALS`."""


class LeftAlone(NamedTuple):
    """A customer whom an import does not place, by internal id, and why: a reason of the timeline."""

    customer: str
    reason: str


class ToPlace(NamedTuple):
    """A customer who may have to be placed, and the name in the file that led to them."""

    customer: str
    named: NamedOnce


def journey_of(session: Session, key: str) -> LiveJourney:
    """The journey that an import places customers in, with the splits that are decided; raise Refused, NotFound."""
    version, program = journeys.live(session, key)
    return version, splits.decided(session, program)


def left_alone(session: Session, journey: LiveJourney, owners: Mapping[str, str]) -> dict[str, LeftAlone]:
    """Those of these customers, by their names, whom the journey has or had already; each of them once.

    In a journey with a key nobody is: one run keeps no other out, and each key asks for its own.
    """
    version, program = journey
    if program.key is not None:
        return {}
    runs = last_runs.of_customers(session, version.journey, set(owners.values()))
    names = {owner: name for name, owner in owners.items()}
    found = ((names[owner], owner, _reason(program, theirs.values())) for owner, theirs in runs.items())
    return {name: LeftAlone(owner, reason) for name, owner, reason in found if reason is not None}


def _reason(program: Program, runs: Iterable[LatestRun]) -> str | None:
    if any(one.live for one in runs):
        return "already_enrolled"
    return "been_before" if program.reentry == "never" else None


def told(those: Iterable[LeftAlone]) -> dict[str, Any]:
    """Those who are left alone, as a result tells them: how many by reason, and some of them by their internal ids."""
    unique = list(dict.fromkeys(those))
    counts = Counter(one.reason for one in unique)
    named = [one.customer for one in unique[:EXAMPLES]]
    return {**{reason: counts[reason] for reason in REASONS}, "left_alone": named}


def told_together(before: Mapping[str, Any], those: Iterable[LeftAlone]) -> dict[str, Any]:
    """The same of some more, behind what was told before."""
    more = told(those)
    named = dict.fromkeys((*before.get("left_alone", ()), *more["left_alone"]))
    return {**{one: before.get(one, 0) + more[one] for one in REASONS}, "left_alone": list(named)[:EXAMPLES]}


def to_place(
    database: Database, journey: LiveJourney, names: Iterable[NamedOnce], most: int
) -> Iterator[list[ToPlace]]:
    """Whom a file names and the journey may have to take, `most` at a time.

    Names that lead to nobody, and customers of whom no event lets anybody in, are passed over.
    """
    left, met = iter(names), set[str]()
    while part := list(islice(left, LOOKED_UP)):
        with database.reading() as session:
            found = [one for one in looked_up(session, journey, part) if one.customer not in met]
        met.update(one.customer for one in found)
        for start in range(0, len(found), most):
            yield found[start : start + most]


def looked_up(session: Session, journey: LiveJourney, names: Sequence[NamedOnce]) -> list[ToPlace]:
    """The same of some names at once."""
    program = journey[1]
    by_id = {names_in_files.identifier(one.name): one for one in names}
    owners, _ = identities.look_up(session, by_id)
    found = {owner: by_id[identifier] for identifier, owner in owners.items()}
    out = left_alone(session, journey, {owner: owner for owner in found}).keys()
    heard = frozenset(one.event for one in program.triggers)
    rows = customers.rows_by_ids(session, found.keys() - out)
    those = [ToPlace(one.id, found[one.id]) for one in rows if any(is_heard(heard, name) for name in one.events)]
    return sorted(those, key=lambda one: one.named.number)


def place(session: Session, journey: LiveJourney, those: Iterable[ToPlace], clock: Clock) -> int:
    """Place some customers, whom it locks, and return how many enrollments there are.

    They stand where they stand at the instant by the clock at which they are locked: what comes later is heard. Raise
    CameBetween where one of them was merged or erased before the lock was there: the name leads to another then.
    """
    version, _ = journey
    owners, _ = identities.look_up(session, [names_in_files.identifier(one.named.name) for one in those])
    wanted = set(owners.values())
    held = customers.lock_all(session, wanted)
    if len(held) < len(wanted):
        raise CameBetween("a customer was merged or erased before the lock was there")
    ids = [one.id for one in held]
    runs = last_runs.of_customers(session, version.journey, ids)
    given = assignments.of_customers(session, ids)
    histories = gathered_histories.stored(session, held)
    placed = PlacedRuns(clock())
    for one in held:
        variants = KnownSplits(given=given.get((one.id, version.journey), {}))
        placed.add(one, histories[one.id], journey, Before(runs=runs.get(one.id, {}), splits=variants))
    placed.write(session)
    return placed.count
