"""A test mail: to whom and about whom is kept beside its operation, and let go when it has ended."""

from typing import Any

import orjson
from sqlmodel import Session

from services import templates, uploads
from services.templates import Source
from store.tables import Operation, UploadPart


def keep(session: Session, operation_id: str, to: str, about: dict[str, Any]) -> None:
    uploads.keep(session, operation_id, 0, orjson.dumps({"to": to, "about": about}))


def find(session: Session, operation: Operation) -> tuple[str, dict[str, Any], Source | None]:
    """The address, what the template may name, and its source where it is kept in the store."""
    part = session.get(UploadPart, (operation.id, 0))
    kept: dict[str, Any] = orjson.loads(part.data) if part is not None else {"to": "", "about": {}}
    key, number = operation.request["template"], operation.request["version"]
    if number is None:
        return kept["to"], kept["about"], None
    found = templates.version(session, key, number)
    source = Source(key=key, version=number, subject=found.subject, html=found.html, text=found.text)
    return kept["to"], kept["about"], source
