"""Customers who do things under published journeys, and what the store made of it, for the tests of listening."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from services.customers.audiences import segments
from services.ingestion import ingest
from services.ingestion.ingest import IngestResult
from services.upkeep import upkeep
from store.session import Database
from store.tables.enrollments import Decision, Dispatch, Enrollment
from tests.shells import Shell

Ingest = Callable[..., IngestResult]
Publish = Callable[[str, str], None]


class Town:
    """Every workflow there would be, worked off at once, without Temporal."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        self.shells: dict[str, Shell] = {}

    def happens(self, *messages: dict[str, Any]) -> None:
        with self.database.writing() as session:
            ingest.ingest(session, messages, self.now)
        self.settle()

    def event(self, name: str, user: str = "ann", **properties: Any) -> None:
        self.happens({"type": "track", "userId": user, "event": name, "properties": properties})

    def identify(self, user: str = "ann", **traits: Any) -> None:
        self.happens({"type": "identify", "userId": user, "traits": traits})

    def upkeep(self) -> None:
        while True:
            with self.database.writing() as session:
                if not upkeep.do(session, self.now):
                    break
        self.settle()

    def settle(self) -> None:
        while rows := self._dispatched():
            for row in rows:
                self._carry(row)

    def _dispatched(self) -> list[Dispatch]:
        with self.database.writing() as session:
            rows = list(session.exec(select(Dispatch).order_by(col(Dispatch.id))).all())
            for row in rows:
                session.delete(row)
        return rows

    def _carry(self, row: Dispatch) -> None:
        if row.kind == "start":
            with self.database.reading() as session:
                enrollment = session.get_one(Enrollment, row.enrollment_id)
            assert row.payload["state"] | {"entered_at": enrollment.state["entered_at"]} == enrollment.state
            self.shells[row.enrollment_id] = Shell(self.database, enrollment)
        self.shells[row.enrollment_id].wake(self.now)

    # -- what is stored ----

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(select(table)).all())

    def stages(self, journey: str) -> list[str]:
        return sorted(
            f"{one.stage}{' ' + one.key if one.key else ''}" for one in self.rows(Enrollment) if one.journey == journey
        )

    def decided(self, what: str) -> list[dict[str, Any]]:
        return [one.detail for one in self.rows(Decision) if one.what == what]


def put_segment(town: Town, key: str, guard: str) -> None:
    with town.database.writing() as session:
        segments.put(session, key, guard, None, town.now)
