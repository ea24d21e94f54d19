"""A test mail: to whom and about whom is kept beside its operation, and let go when it has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlmodel import Session

from services.definitions import templates
from services.definitions.templates import Source
from services.operations import uploads
from store.tables.access import Operation, UploadPart


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a template may name, the languages to look for, and the zone that times are shown in."""

    context: Mapping[str, Any]
    locales: Sequence[str] = ()
    timezone: str | None = None


def keep(session: Session, operation_id: str, to: str, about: About) -> None:
    uploads.keep(session, operation_id, 0, orjson.dumps({"to": to, "about": about}))


def find(session: Session, operation: Operation) -> tuple[str, About, Source | None]:
    """The address, whom it is about, and the template's source where it is kept in the store."""
    part = session.get(UploadPart, (operation.id, 0))
    kept: dict[str, Any] = orjson.loads(part.data) if part is not None else {"to": "", "about": {"context": {}}}
    about = About(**kept["about"])
    key, number = operation.request["template"], operation.request["version"]
    if number is None:
        return kept["to"], about, None
    found = templates.version(session, key, number)
    return kept["to"], about, templates.source_of(found, about.locales)
