"""Many rows at once: what fails is told as anything else that fails."""

import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from services.ingestion import ingest
from store import bulk
from store.session import Database
from store.tables.customers import Event, SeenEventName
from tests.blocked import wait_until_blocked


def names(*wanted: str) -> list[dict[str, Any]]:
    return [{"name": name, "first_seen_at": datetime.fromisoformat("2026-03-02T12:00:00+00:00")} for name in wanted]


@pytest.mark.parametrize("count", [1, bulk.COPY_FROM + 1])
def test_a_row_that_is_there_already_is_told_alike_for_few_and_for_many(database: Database, count: int) -> None:
    rows = names(*(f"secret {one}" for one in range(count)))
    with database.writing() as session:
        bulk.add(session, SeenEventName, rows)
    with pytest.raises(IntegrityError) as told, database.writing() as session:
        bulk.add(session, SeenEventName, rows)
    assert "secret" not in str(told.value), "an error tells no values"


def test_who_sends_a_batch_that_another_is_just_sending_repeats_it(database: Database, noon: datetime) -> None:
    """However many events there are: the second waits for the first, and finds them all known."""
    batch = [{"type": "track", "userId": "ann", "event": "E", "messageId": f"m{one}"} for one in range(30)]
    found: list[tuple[int, int]] = []

    def repeat() -> None:
        again = [{**one, "userId": "bob"} for one in batch]
        outcome = database.write(lambda session: ingest.ingest(session, again, noon))
        found.append((outcome.accepted, outcome.repeated))

    second = threading.Thread(target=repeat)
    with database.writing() as session:
        assert ingest.ingest(session, batch, noon).accepted == 30
        second.start()
        wait_until_blocked(database)
    second.join()
    assert found == [(0, 30)]
    with database.reading() as session:
        assert len(session.exec(select(Event.id)).all()) == 30
