"""What has passed its time goes, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from activities.upkeep import UpkeepLane
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.operations import operations, uploads
from services.upkeep import retention
from store.ids import least_id, new_id
from store.queries.mails import message_bodies, messages
from store.session import Database
from store.tables.access import Operation, Rejection, UploadPart
from store.tables.messages import MessageBody


def test_bodies_rejections_and_operations_go_when_their_time_has_passed(
    database: Database, take: Any, noon: datetime
) -> None:
    old = noon - timedelta(days=40)
    take({"type": "nonsense"}, at=old)
    take({"type": "nonsense"}, at=noon)
    with database.writing() as session:
        for name, at in (("old", old), ("new", noon)):
            messages.add(session, [messages.row(name, "c", template="t", topic="t", lane="journey", due=at, now=at)])
            body = {
                "message_id": name,
                "customer_id": "c",
                "subject": "s",
                "html": "h",
                "text": "t",
                "urls": ["https://shop.example/"],
            }
            message_bodies.keep(session, [body], at)
            operation = operations.start(session, "simulate", {}, at)
            operations.begin(session, operation.id, at)
            operations.close(session, operation.id, at)
        kept = {"retention": {"bodies": 30, "rejections": 30, "operations": None}}
        installation_settings.save(session, InstallationSettings.model_validate(kept), noon)
        assert retention.prune(session, noon) == 2
        assert retention.prune(session, noon) == 0
    with database.reading() as session:
        bodies = {
            one.message_id: (one.subject, one.html, one.text, one.urls)
            for one in session.exec(select(MessageBody)).all()
        }
        links = ["https://shop.example/"]
        assert bodies == {"old": (None, None, None, links), "new": ("s", "h", "t", links)}, (
            "links are followed for years"
        )
        assert [one.received_at for one in session.exec(select(Rejection)).all()] == [noon]
        assert len(session.exec(select(Operation)).all()) == 2


async def test_it_goes_page_by_page_a_transaction_each_until_nothing_is_left(
    database: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    with database.writing() as session:
        for name in "abcde":
            mail = {"template": "t", "topic": "t", "lane": "journey", "due": noon, "now": noon}
            messages.add(session, [messages.row(name, "c", **mail)])
            message_bodies.keep(
                session,
                [{"message_id": name, "customer_id": "c", "subject": "s", "html": "h", "text": "t", "urls": []}],
                noon,
            )
        kept = {"retention": {"bodies": 30, "rejections": None, "operations": None}}
        installation_settings.save(session, InstallationSettings.model_validate(kept), noon)
    upkeep = UpkeepLane(database, lambda: noon + timedelta(days=31))
    assert [await upkeep.when_idle() for _ in range(5)] == [2, 2, 1, 0, 0]
    with database.reading() as session:
        assert {one.html for one in session.exec(select(MessageBody)).all()} == {None}


async def test_a_file_whose_taker_died_before_any_work_was_asked_for_goes_a_day_later(
    database: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PARTS", 2)
    old, asked, fresh = (f"{least_id('op', noon - timedelta(hours=age))}{age:016}" for age in (26, 25, 23))
    with database.writing() as session:
        operations.start(session, "import", {}, noon, operation_id=asked)
        for operation_id in (old, asked, fresh):
            for number in range(3):
                uploads.keep(session, operation_id, number, b"u1,ann@example.com")
    upkeep = UpkeepLane(database, lambda: noon)
    assert [await upkeep.when_idle() for _ in range(3)] == [2, 1, 0]
    with database.reading() as session:
        assert {one.operation_id for one in session.exec(select(UploadPart)).all()} == {asked, fresh}


def test_the_least_id_of_an_instant_parts_what_was_made_before_it_from_what_comes_after() -> None:
    made, now = new_id("op"), datetime.now(UTC)
    assert least_id("op", now - timedelta(seconds=1)) < made < least_id("op", now + timedelta(seconds=0.3))
