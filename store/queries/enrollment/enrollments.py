"""Enrollments: the one maker of their rows, and where a customer's runs through a journey are looked up."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, exists, null, union_all, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from store import bulk, dialect
from store.ids import new_id, workflow_id
from store.statuses import ControlStatus, EnrollmentStatus
from store.tables.customers import Customer
from store.tables.definitions import Journey, JourneyVersion
from store.tables.enrollments import ControlRequest, Enrollment, Interest


def row(
    version: JourneyVersion,
    customer_id: str,
    *,
    key: str,
    run: int,
    source: str,
    data: Mapping[str, Any],
    stage: str,
    cursor: int,
    entered_at: datetime,
    enrollment_id: str | None = None,
) -> bulk.ColumnValues:
    """The columns of an enrollment that has just entered its first stage.

    `run` counts the runs of this customer (and key) from 1; `cursor` is the number of the last event that is behind it.
    An import puts in place of these where the customer's history has led.
    """
    return {
        "id": enrollment_id or new_id("enr"),
        "journey": version.journey,
        "version": version.number,
        "digest": version.digest,
        "customer_id": customer_id,
        "key": key,
        "run": run,
        "workflow_id": workflow_id(version.journey, customer_id, key, run),
        "source": source,
        "data": dict(data),
        "status": EnrollmentStatus.LIVE,
        "reason": None,
        "stage": stage,
        "step": None,
        "visit": 0,
        "cursor": cursor,
        "wakes": 0,
        "state": {},
        "last_wakes": [],
        "stuck": None,
        "paused": False,
        "paused_by": None,
        "resumed_at": None,
        "resumed_late": None,
        "sent_past": None,
        "wakes_at": None,
        "due_at": None,
        "follow_at": None,
        "poked_at": None,
        "nudged_at": None,
        "entered_at": entered_at,
        "stage_since": entered_at,
        "ended_at": None,
    }


_ASKED = exists().where(
    col(ControlRequest.enrollment_id) == Enrollment.id, col(ControlRequest.status) == ControlStatus.ASKED
)
_WAKING: Any = (
    select(Enrollment, Journey.paused_at, Journey.paused_stages, _ASKED)
    .join(Journey, col(Journey.key) == Enrollment.journey, isouter=True)
    .where(bulk.among(Enrollment.id, "ids"))
    .order_by(col(Enrollment.id))
)


class EnrollmentToWake(NamedTuple):
    """An enrollment, the stages of its journey that are paused (None: all of them), and whether a control is asked."""

    enrollment: Enrollment
    paused_stages: Collection[str] | None
    asked: bool


def waking(session: Session, ids: Collection[str]) -> Sequence[EnrollmentToWake]:
    """Those of these that are there, read anew, in the order of their ids."""
    query: Any = session.exec(_WAKING, params={"ids": list(ids)}, execution_options={"populate_existing": True})
    return [
        EnrollmentToWake(own, None if paused_at is not None else frozenset(stages or ()), asked)
        for own, paused_at, stages, asked in query
    ]


def by_ids(session: Session, ids: Collection[str]) -> dict[str, Enrollment]:
    """The enrollments with these ids, by id; no statement where none is asked for."""
    if not ids:
        return {}
    return {one.id: one for one in session.exec(select(Enrollment).where(col(Enrollment.id).in_(ids))).all()}


def last_run(session: Session, journey: str, customer_id: str, key: str | None = None) -> Enrollment | None:
    """The latest run of a customer through a journey, under this key or, where it is None, under any."""
    query = select(Enrollment).where(Enrollment.journey == journey, Enrollment.customer_id == customer_id)
    query = query if key is None else query.where(Enrollment.key == key)
    return session.exec(query.order_by(col(Enrollment.run).desc()).limit(1)).first()


def _last_runs() -> Any:
    here = (
        Enrollment.journey == bindparam("journey"),
        bulk.among(Enrollment.customer_id, "customers"),
        bulk.among(Enrollment.key, "keys"),
    )
    last = select(Enrollment.customer_id, Enrollment.key, func.max(Enrollment.run).label("run")).where(*here)
    latest = last.group_by(col(Enrollment.customer_id), col(Enrollment.key)).subquery()
    same = [col(getattr(Enrollment, name)) == latest.c[name] for name in ("customer_id", "key", "run")]
    return select(Enrollment).join(latest, and_(*same)).where(*here)


_LAST_RUNS = _last_runs()


def last_runs(session: Session, journey: str, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Enrollment]:
    """The latest runs through a journey by customer and key, for these of them; whoever had none is left out."""
    found: dict[tuple[str, str], Enrollment] = {}
    for part in bulk.parts(names):
        asked = {"customers": [*{one for one, _ in part}], "keys": [*{key for _, key in part}], "journey": journey}
        found |= {(one.customer_id, one.key): one for one in session.exec(_LAST_RUNS, params=asked)}
    return found


def by_source(session: Session, customer_id: str, source: str, journey: str | None = None) -> str | None:
    """The enrollment (in this journey) that this very source began for the customer; None where it began none."""
    query = select(Enrollment.id).where(Enrollment.customer_id == customer_id, Enrollment.source == source)
    query = query if journey is None else query.where(Enrollment.journey == journey)
    return session.exec(query.limit(1)).first()


def begun_by(session: Session, journey: str, source: str, customer_ids: Collection[str]) -> set[str]:
    """Those of the customers whom this very source has let into the journey already."""
    found: set[str] = set()
    for part in bulk.parts(sorted(customer_ids)):
        here = (col(Enrollment.customer_id).in_(part), Enrollment.source == source, Enrollment.journey == journey)
        found.update(session.exec(select(Enrollment.customer_id).where(*here)).all())
    return found


def of_customer(session: Session, customer_id: str) -> Sequence[Enrollment]:
    """Every run of a customer: those that are live first, and of each the newest."""
    query = select(Enrollment).where(Enrollment.customer_id == customer_id)
    return session.exec(query.order_by(col(Enrollment.status).desc(), col(Enrollment.id).desc())).all()


def newest_stages(session: Session, customer_ids: Collection[str], journeys: Collection[str]) -> dict[str, str]:
    """The stage of each customer's newest run through any of these journeys, by their ids; who has none is left out."""
    here = dialect.of(session).beside(col(Enrollment.journey)).in_(journeys)
    query = select(Enrollment.customer_id, Enrollment.stage).where(col(Enrollment.customer_id).in_(customer_ids), here)
    return {one[0]: one[1] for one in session.exec(query.order_by(col(Enrollment.id)))}


class EntryOfRun(NamedTuple):
    """When an enrollment entered its journey (UTC), and where it stands, or why it ended."""

    id: str
    entered_at: datetime
    status: EnrollmentStatus
    stage: str
    reason: str | None


def page_of_entries(session: Session, journey: str, after: str, limit: int) -> Sequence[EntryOfRun]:
    """Enrollments of a journey, a page in the order of their ids, behind the id `after`."""
    columns: Any = tuple(getattr(Enrollment, name) for name in EntryOfRun._fields)
    query = select_columns(*columns).where(col(Enrollment.journey) == journey, col(Enrollment.id) > after)
    rows: Any = session.connection().execute(query.order_by(col(Enrollment.id)).limit(limit))
    return [EntryOfRun(*row) for row in rows]


def of_customers(session: Session, customer_ids: Collection[str]) -> Sequence[Enrollment]:
    """Every run of these customers, in the order of their ids."""
    query = select(Enrollment).where(col(Enrollment.customer_id).in_(customer_ids))
    return session.exec(query.order_by(col(Enrollment.id))).all()


LivePlace = tuple[str, str | None, str, str, str]
"""Where somebody is: customer, address, enrollment, digest, stage."""


def _columns(owner: Any, email: Any) -> Any:
    columns: tuple[Any, ...] = (owner, email, Enrollment.id, Enrollment.digest, Enrollment.stage)
    return select_columns(*columns)


@cache
def _live_places(database: str, *, at_addresses: bool) -> Any:
    live = dialect.named(database).beside(col(Enrollment.status)) == EnrollmentStatus.LIVE
    theirs: Any = _columns(Enrollment.customer_id, null())
    theirs = theirs.where(bulk.among(Enrollment.customer_id, "ids"), live)
    at_inboxes: Any = _columns(Customer.id, Customer.email)
    at_inboxes = at_inboxes.where(bulk.among(Customer.email, "addresses"), Enrollment.customer_id == Customer.id, live)
    return union_all(theirs, at_inboxes) if at_addresses else theirs


def live_places(session: Session, customer_ids: Collection[str], emails: Collection[str]) -> Sequence[LivePlace]:
    """Where these customers are, and whoever has one of these addresses (in their normal form): each live run.

    The address is told of those who are found by it; somebody may be found in both ways.
    """
    found: list[LivePlace] = []
    for ids, addresses in zip_longest(bulk.parts(sorted(customer_ids)), bulk.parts(sorted(emails)), fillvalue=()):
        wanted = _live_places(dialect.of(session).name, at_addresses=bool(addresses))
        rows: Any = session.connection().execute(wanted, {"ids": ids, "addresses": addresses})
        found += [(one[0], one[1], one[2], one[3], one[4]) for one in rows]
    return found


def live_in(
    session: Session, journey: str, after: str, limit: int, *, paused_by: Collection[str] = (), stage: str | None = None
) -> Sequence[Enrollment]:
    """A page of a journey's live enrollments (in a stage of it) in the order of their ids, behind the id `after`.

    `paused_by` is who may have paused them (`journey`, …); without it all of them are meant.
    """
    query = select(Enrollment).where(
        Enrollment.journey == journey, Enrollment.status == EnrollmentStatus.LIVE, col(Enrollment.id) > after
    )
    if paused_by:
        query = query.where(col(Enrollment.paused_by).in_(paused_by))
    if stage is not None:
        query = query.where(Enrollment.stage == stage)
    return session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()


def stands_in(session: Session, journey: str, stage: str) -> bool:
    """Whether anybody is under way in this stage of a journey, of whatever version."""
    query = select(Enrollment.id).where(
        Enrollment.journey == journey, Enrollment.status == EnrollmentStatus.LIVE, Enrollment.stage == stage
    )
    return session.exec(query.limit(1)).first() is not None


def live_on(session: Session, journey: str, version: int) -> int:
    """How many are under way on a version of a journey; it looks at each of the journey."""
    query = select(func.count()).where(
        Enrollment.journey == journey, Enrollment.status == EnrollmentStatus.LIVE, Enrollment.version == version
    )
    return session.exec(query).one()


_WAITING: Any = (
    select(Interest.customer_id, Interest.name, Enrollment.id, Enrollment.workflow_id)
    .join(Enrollment, col(Interest.enrollment_id) == Enrollment.id)
    .where(bulk.among(Interest.customer_id, "customers"))
    .where(bulk.among(Interest.name, "names"))
    .order_by(col(Enrollment.id), col(Interest.name))
)


def waiting(
    session: Session, customer_ids: Collection[str], names: Collection[str]
) -> Sequence[tuple[str, str, str, str]]:
    """Who waits for one of these names: customer, name, enrollment, workflow; in the order of the enrollments."""
    found: list[tuple[str, str, str, str]] = []
    for part in bulk.parts(sorted(customer_ids)):
        found += session.exec(_WAITING, params={"customers": part, "names": list(names)}).all()
    return found


# -- who is overdue ----------------------------------------------------------------------------------------------------


def _overdue(since: Any) -> Any:
    quiet = col(Enrollment.stuck).is_(None)  # and an enrollment that has ended wakes no more, and nothing waits for it
    query = select(Enrollment).where(since.is_not(None) & (since < bindparam("before")), quiet)
    return query.order_by(since, col(Enrollment.id)).limit(bindparam("most"))


_OVERDUE = (_overdue(col(Enrollment.wakes_at)), _overdue(col(Enrollment.poked_at)))


def mark_poked(session: Session, enrollment_ids: Collection[str], now: datetime) -> None:
    """Something waits for these from now on, where nothing did."""
    for part in bulk.parts(sorted(enrollment_ids)):
        here = (col(Enrollment.id).in_(part), col(Enrollment.poked_at).is_(None))
        session.connection().execute(update(Enrollment).where(*here).values(poked_at=now))


def overdue(session: Session, before: datetime, limit: int) -> Sequence[Enrollment]:
    """Those that had to act before this instant, or for which something waits since before it.

    At most `limit` of each of the two, whose last nudge lies before that instant as well.
    """
    asked = {"before": before, "most": limit}
    found = {one.id: one for query in _OVERDUE for one in session.exec(query, params=asked).all()}
    return [one for one in found.values() if one.nudged_at is None or one.nudged_at < before]


def count_overdue(session: Session, before: datetime, most: int) -> int:
    """How many there are; of each of the two at most `most` are counted."""
    asked = {"before": before, "most": most}
    ids = [query.with_only_columns(Enrollment.id) for query in _OVERDUE]
    return len({id for query in ids for id in session.exec(query, params=asked)})


def count_stuck(session: Session) -> int:
    """How many live enrollments end each wake in an error."""
    query = select(func.count()).select_from(Enrollment).where(col(Enrollment.stuck).is_not(None), Enrollment.id > "")
    return session.exec(query).one()
