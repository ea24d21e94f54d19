"""What Ann does in the journey `welcome`, what is asked of her enrollment, and what is stored of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from services.definitions.pausing import pauses
from services.enrollments.controls import asking
from services.enrollments.waking import wake
from services.enrollments.waking.wake import Led
from services.ingestion.ingest import IngestResult
from store.session import Database
from store.tables.enrollments import ControlRequest, Decision, Enrollment
from store.tables.messages import Message
from tests.shells import Shell

Ingest = Callable[..., IngestResult]


TWO_DAYS = timedelta(days=2)


def rows(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)).all())


def pause(database: Database, paused: bool, now: datetime) -> None:
    with database.writing() as session:
        pauses.pause(session, "welcome", now) if paused else pauses.resume(session, "welcome", now)


def story(database: Database) -> list[tuple[int | None, str]]:
    with database.reading() as session:
        query = select(Decision).where(col(Decision.number).is_not(None)).order_by(col(Decision.number))
        return [(one.number, one.what) for one in session.exec(query).all()]


def ask(database: Database, verb: str, now: datetime, once: str | None = None) -> ControlRequest:
    with database.writing() as session:
        return asking.ask(session, session.exec(select(Enrollment)).one(), verb, now, once=once)


def mails(database: Database) -> dict[str, tuple[str, str | None]]:
    return {one.template: (one.status, one.reason) for one in rows(database, Message)}


def buys(take: Ingest, at: datetime) -> None:
    take({"type": "track", "userId": "ann", "event": "Bought"}, at=at)


def lead(database: Database, now: datetime, *shells: Shell, lag: timedelta = timedelta()) -> Led:
    return database.write(lambda session: wake.lead(session, [one.enrollment for one in shells], now, lag))


def own(database: Database) -> Enrollment:
    (found,) = rows(database, Enrollment)
    return found


def joined(database: Database, take: Ingest, *users: str) -> list[Shell]:
    take(*({"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in users))
    take(*({"type": "track", "userId": one, "event": "Signed Up"} for one in users))
    return [Shell(database, one) for one in rows(database, Enrollment)]
