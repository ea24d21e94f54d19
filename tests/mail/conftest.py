"""A lane of mails that wait, its owners, and what became of the mails."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import select

from activities.delivery.lane import MailLane
from mail.brand import Brand
from mail.composing import Composer
from mail.message import Sender
from mail.rendering.renderer import Renderer
from mail.signed_links import Links
from store.session import Database
from store.tables.messages import Message
from tests.mail.one_lane import CUSTOMERS, LANE, Breaking, Provider, plan_mails


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def composer(template_folder: Any) -> Breaking:
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="shop@example.com"), address="1 Street")
    return Breaking(Renderer([template_folder]), Links("secret", "http://x"), brand)


@pytest.fixture
def owner(database: Database, provider: Provider, composer: Composer, clock: Any) -> Callable[[], MailLane]:
    """Opens the lane for a new owner."""

    def run() -> MailLane:
        lane = MailLane(LANE, database, composer, provider, clock)
        lane.take()
        return lane

    return run


@pytest.fixture
def planned(database: Database, noon: datetime) -> None:
    """A mail to each of so many customers waits."""
    with database.writing() as session:
        plan_mails(session, CUSTOMERS, noon)


@pytest.fixture
def ledger(database: Database) -> Callable[[], Counter[str]]:
    """How many mails have each status, with its reason."""

    def run() -> Counter[str]:
        with database.reading() as session:
            found = session.exec(select(Message)).all()
            return Counter(f"{one.status} {one.reason}" if one.reason else str(one.status) for one in found)

    return run
