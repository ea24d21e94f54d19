"""A customer has one lifecycle stage: of two journeys that say `lifecycle: true`, one is published."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import Session

from journeys.checks import source
from journeys.language.problems import InvalidJourney
from services.definitions.journey_versions import drafts, journeys
from services.errors import Refused
from store.queries.definitions import journeys as journey_rows
from store.session import Database
from store.tables.definitions import Journey
from tests.conftest import database_url

LIFECYCLE = "journey: {}\nlifecycle: {}\nenter: [{{on: A}}]\nstart: s\nstages: {{s: {{steps: [{{exit: done}}]}}}}"


def drafted(session: Session, key: str, at: datetime, lifecycle: str = "true") -> None:
    definition, warnings = source.read(LIFECYCLE.format(key, lifecycle))
    drafts.put_draft(session, drafts.Draft(definition=definition, warnings=warnings), at)


def published(session: Session, key: str, at: datetime) -> str:
    try:
        journeys.publish(session, key, frozenset(), at)
    except InvalidJourney as refused:
        return refused.problems[0].code
    except Refused as refused:  # the other was published after this one was checked
        return str(refused.path)
    return "published"


def the_lifecycle(database: Database) -> str | None:
    with database.reading() as session:
        return journey_rows.lifecycle_key(session)


def test_of_two_published_at_the_same_moment_one_is_refused(database: Database, noon: datetime) -> None:
    for key in ("one", "two"):
        database.write(lambda session, key=key: drafted(session, key, noon))
    together, became = threading.Barrier(2), dict[str, str]()

    def publish(key: str) -> None:
        together.wait(30)
        became[key] = database.write(lambda session: published(session, key, noon))

    threads = [threading.Thread(target=publish, args=[key]) for key in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(became.values()) == ["published", "second_lifecycle"]
    assert became[the_lifecycle(database) or ""] == "published"


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    made = Database(database_url("postgresql", request, tmp_path))
    yield made
    made.close()


def test_who_looked_before_another_was_published_is_refused_all_the_same(postgresql: Database, noon: datetime) -> None:
    """Writers side by side: both have looked, and found none, before either commits."""
    for key in ("one", "two"):
        postgresql.write(lambda session, key=key: drafted(session, key, noon))
    attempts: list[str] = []

    def work(session: Session) -> str:
        attempts.append(str(journey_rows.lifecycle_key(session)))
        journey = journeys.get(session, "two")
        if len(attempts) == 1:
            postgresql.write(lambda other: published(other, "one", noon))
            journey.lifecycle, journey.live_version = True, 1
            session.flush()
        return published(session, "two", noon)

    assert (postgresql.write(work), attempts) == ("second_lifecycle", ["None", "one"])
    assert the_lifecycle(postgresql) == "one"


def test_an_older_version_that_was_the_lifecycle_does_not_come_back_beside_another(
    database: Database, noon: datetime
) -> None:
    def gives_way(session: Session) -> None:
        drafted(session, "one", noon)
        assert published(session, "one", noon) == "published"
        drafted(session, "one", noon, lifecycle="false")
        assert published(session, "one", noon) == "published"
        drafted(session, "two", noon)
        assert published(session, "two", noon) == "published"

    database.write(gives_way)
    with pytest.raises(Refused, match="'two' is the lifecycle already"):
        database.write(lambda session: journeys.publish_again(session, "one", 1, noon))
    with database.reading() as session:
        rows = {key: session.get(Journey, key) for key in ("one", "two")}
        assert {key: row.lifecycle for key, row in rows.items() if row} == {"one": False, "two": True}
