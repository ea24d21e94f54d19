"""What has passed its time goes, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from activities.upkeep import UpkeepLane
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.operations import operations
from services.upkeep import retention
from store.queries.mails import message_bodies, messages
from store.session import Database
from store.tables.access import Operation, Rejection
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
