"""The counts of messages that are kept, against the rows counted anew: whatever a test did, they must agree."""

from collections import Counter, defaultdict
from typing import Any

from sqlmodel import Session, SQLModel, col, select, update

from services.reconciliation.counts import returned_counts
from store.queries.figures import mail_results, variant_revenue
from store.queries.figures.mail_results import SENT
from store.queries.figures.message_counts import day_of, kind_of, tally
from store.session import Database
from store.statuses import MessageStatus
from store.tables.message_counts import DeliveryCount, MessageCount, MessageDayCount
from store.tables.messages import DeliveryEvent, Message
from store.tables.splits import Assignment, RevenueSum
from value import goal_revenue

BY_PEOPLE = ~col(DeliveryEvent.machine)

ARRIVED = {"delivered", "opened", "clicked", "unsubscribed", "complained"}


def assert_true(database: Database) -> None:
    """Every kept count of messages equals what the rows say."""
    with database.reading() as session:
        rows = session.exec(select(Message)).all()
        there = _kept(session, MessageCount, "count") - _kept(session, MessageCount, "gone")
        assert there == Counter(tuple(kind_of(one)) for one in rows)
        if not _kept(session, MessageCount, "gone"):  # what the erased had is counted by day and by what came back
            by_day = ((day_of(one.planned_at), one.journey, one.template, one.status, one.reason or "") for one in rows)
            assert _kept(session, MessageDayCount, "count") == Counter(by_day)
            assert _kept(session, DeliveryCount, "count") == _came_back(session, rows)


def assert_revenue_true(database: Database) -> None:
    """What variants brought, as it is kept, equals what their assignments say."""
    with database.reading() as session:
        told: Counter[tuple[str, ...]] = Counter()
        for one in session.exec(select(Assignment)).all():
            for (what, *of), customers, units in variant_revenue.sums(goal_revenue.by_day(one.revenue)):
                told[one.journey, what, one.split, one.variant, *of, "customers"] += customers
                told[one.journey, what, one.split, one.variant, *of, "units"] += units
        kept: Counter[tuple[str, ...]] = Counter()
        for row in session.exec(select(RevenueSum)).all():
            key = (row.journey, row.what, row.split, row.variant, row.currency, row.part)
            kept[*key, "customers"] += row.customers
            kept[*key, "units"] += row.units
        assert {key: by for key, by in kept.items() if by} == {key: by for key, by in told.items() if by}


def assert_returns_true(database: Database) -> None:
    """What is counted of mails that were sent equals what they and their reports say; for mails that really went."""
    with database.reading() as session:
        assert [(one.place, *one.examples) for one in returned_counts.wrong_counts(session)] == []


def put(session: Session, message: Message, status: str, **columns: Any) -> None:
    """A message as it might be found, whatever may follow what; the counts know of it."""
    was = kind_of(message)
    before, at = message.status, message.accepted_at or message.updated_at
    here = update(Message).where(col(Message.id) == message.id)
    session.connection().execute(here.values(status=status, **columns))
    session.refresh(message)
    tally(session).move(was, kind_of(message), message.planned_at)
    for one, when, by in ((before, at, -1), (status, message.accepted_at or message.updated_at, 1)):
        if one == MessageStatus.ACCEPTED:
            mail_results.tally(session).happened(message, when, SENT, by)


def _kept(session: Session, table: type[SQLModel], column: str) -> Counter[tuple[str, ...]]:
    """The sum over the shards."""
    found: Counter[tuple[str, ...]] = Counter()
    keys = [one.name for one in table.__table__.primary_key if one.name != "shard"]  # type: ignore[attr-defined]
    for row in session.exec(select(table)).all():
        found[tuple(getattr(row, key) for key in keys)] += getattr(row, column)
    return Counter({key: count for key, count in found.items() if count})


def _came_back(session: Session, rows: Any) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    by_people: defaultdict[str, set[str]] = defaultdict(set)
    for message_id, kind in session.exec(select(DeliveryEvent.message_id, DeliveryEvent.kind).where(BY_PEOPLE)):
        by_people[message_id].add(kind)
    for one in rows:
        people = by_people[one.id]
        came = {
            "arrived": one.delivery in ARRIVED,
            "complained": one.delivery == "complained",
            "opened": people & {"opened", "clicked"},
            "clicked": "clicked" in people,
        }
        subjects = [("topic", one.topic, "")]
        subjects += [("journey", one.journey, "")] if one.journey else []
        subjects += [("broadcast", one.broadcast, one.variant or "")] if one.broadcast else []
        day = day_of(one.accepted_at) if one.accepted_at else ""
        found.update((*subject, day, what) for subject in subjects for what, is_so in came.items() if is_so)
    return found
