"""A database of each kind with one journey published, and shorthands."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from services.definitions import journeys, validation_context
from services.ingestion import ingest
from services.ingestion.ingest import IngestResult
from store.session import Database
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
            journeys.put_draft(session, journeys.read_draft(key, text, around), noon)
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
