"""A database of each kind with one journey published, and shorthands."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from services.definitions.journey_versions import drafts, journeys, validation_context
from services.ingestion import ingest
from services.ingestion.ingest import IngestResult
from store.session import Database
from store.tables.customers import Segment
from store.tables.definitions import Topic
from store.tables.enrollments import Enrollment
from tests.conftest import Statements
from tests.shells import Shell
from tests.store import bulk_shop
from tests.store.broadcast_desk import Desk
from tests.store.town import Town

WELCOME = """
journey: welcome
lifecycle: true
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
defaults: {topic: news}
start: new
stages:
  new:
    steps: [{send: mail_a}, {wait: 2 days}, {send: mail_b}]
    transitions: [{on: Bought, to: buyer}]
  buyer:
    steps: [{send: mail_c}]
"""

Ingest = Callable[..., IngestResult]


@pytest.fixture
def publish(database: Database, noon: datetime) -> Callable[[str, str], None]:
    def run(key: str, text: str) -> None:
        with database.writing() as session:
            known = frozenset({"mail_a", "mail_b", "mail_c"})
            around = validation_context.load(session, key, known)
            drafts.put_draft(session, drafts.read_draft(key, text, around), noon)
            journeys.publish(session, key, known, noon)

    return run


@pytest.fixture
def welcome(publish: Callable[[str, str], None]) -> None:
    publish("welcome", WELCOME)


@pytest.fixture
def take(database: Database, noon: datetime) -> Ingest:
    """Ingest messages at noon (or at `at`)."""

    def run(*items: Any, at: datetime = noon) -> IngestResult:
        with database.writing() as session:
            return ingest.ingest(session, items, at)

    return run


@pytest.fixture
def desk(database: Database, take: Callable[..., Any], noon: datetime) -> Desk:
    return Desk(database, take, noon)


@pytest.fixture
def town(database: Database, noon: datetime) -> Town:
    return Town(database, noon)


@pytest.fixture
def shell(database: Database, take: Ingest) -> Shell:
    """Ann has signed up: her enrollment in `welcome`, which has not woken yet."""
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "first_name": "Ann"}})
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.reading() as session:
        return Shell(database, session.exec(select(Enrollment)).one())


@pytest.fixture
def shop(database: Database, publish: Callable[[str, str], None], noon: datetime) -> None:
    """Everybody listens: two segments, and journeys that begin by event, segment and date."""
    with database.writing() as session:
        session.merge(Segment(key="pros", guard="customer.plan == 'pro'", created_at=noon, updated_at=noon))
        guard = "'pros' in customer.segments"
        session.merge(Segment(key="quick", guard=guard, created_at=noon, updated_at=noon))
        session.add(Topic(key="club", consent="double_opt_in", created_at=noon, updated_at=noon))
    for key, enter in bulk_shop.TRIGGERS.items():
        publish(key, bulk_shop.JOURNEY.format(key=key, enter=enter))


@pytest.fixture
def done(database: Database, statements: Statements, noon: datetime) -> bulk_shop.Done:
    """Does work that somebody asks for, within so many statements, and returns what is reported of it."""

    def run(what: str, file: str = "", *, at_most: int, **request: Any) -> dict[str, Any]:
        operation = bulk_shop.asked_for(database, what, noon, file, **request)
        with statements(database, at_most=at_most):
            return bulk_shop.work(database, operation, noon)

    return run
