"""A test mail: to whom and for whom it is stands beside its operation, and is let go when that has ended."""

from typing import Any

import orjson
from sqlmodel import Session

from services.definitions import templates
from services.errors import NotFound
from services.messages.sending.mail_request import MailRequest, Personalization
from services.operations import uploads
from store.tables.access import Operation, UploadPart

KIND = "test mail"
"""The kind of its operation."""


def keep(session: Session, operation_id: str, to: str, personal: Personalization, subject: str | None = None) -> None:
    """Keep what is personal of a test mail, in the caller's transaction; `subject` replaces the template's."""
    uploads.keep(session, operation_id, 0, orjson.dumps({"to": to, "personal": personal, "subject": subject}))


def request(session: Session, operation: Operation) -> MailRequest:
    """The mail that was asked for; raise NotFound where what was kept, or the template's version, is gone."""
    part = session.get(UploadPart, (operation.id, 0))
    if part is None:
        raise NotFound("what was kept of the test mail is gone; ask for another")
    kept: dict[str, Any] = orjson.loads(part.data)
    personal = Personalization(**kept["personal"])
    key, number = operation.request["template"], operation.request["version"]
    version = templates.version(session, key, number) if number is not None else None
    return MailRequest(
        send_id=operation.id,
        to=kept["to"],
        customer="test",
        template=key,
        subject=kept.get("subject"),
        sample=True,
        personal=personal,
        source=templates.source_of(version, personal.locales) if version is not None else None,
    )
