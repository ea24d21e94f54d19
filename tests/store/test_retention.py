"""What has passed its time goes, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.operations import operations
from services.upkeep import retention
from store.queries import message_bodies, messages
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
            body = {"message_id": name, "subject": "s", "html": "h", "text": "t", "urls": ["https://shop.example/"]}
            message_bodies.keep(session, [body], at)
            operation = operations.start(session, "simulate", {}, at)
            operations.begun(session, operation.id, at)
            operations.ended(session, operation.id, at)
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
