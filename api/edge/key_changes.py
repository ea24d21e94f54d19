"""Keys made, given origins and revoked, on record: for the API's calls and for the pages' forms."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.schemas.keys import KeyIn, KeyMade, KeyOut
from services.access.keys import api_keys


def create(session: Session, trail: Trail, wanted: KeyIn, now: datetime) -> KeyMade:
    """A new key, with its text, which is nowhere else; raise InvalidInput."""
    key, text = api_keys.create(
        session, wanted.name, wanted.scopes, now, expires_at=wanted.expires_at, rate=wanted.rate, origins=wanted.origins
    )
    shown = KeyOut.model_validate(key)
    trail.note("created", "key", key.id, after=shown)
    return KeyMade(**shown.model_dump(), key=text)


def set_origins(session: Session, trail: Trail, id: str, origins: list[str]) -> KeyOut:
    """Name the pages that may call with one; raise NotFound, InvalidInput."""
    before = KeyOut.model_validate(api_keys.get(session, id))
    shown = KeyOut.model_validate(api_keys.set_origins(session, id, origins))
    trail.note("changed", "key", id, before, shown)
    return shown


def revoke(session: Session, trail: Trail, id: str, now: datetime, said: str = "") -> KeyOut:
    """Refuse one from now on; raise NotFound."""
    before = KeyOut.model_validate(api_keys.get(session, id))
    shown = KeyOut.model_validate(api_keys.revoke(session, id, now))
    trail.note("revoked", "key", id, before, shown, said)
    return shown
