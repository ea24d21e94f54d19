"""The admin key: made on the first start, shown once, kept for the command line in the home."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from services.access.keys import api_keys
from services.errors import InvalidInput
from waypost.errors import CannotStart
from waypost.private_files import write_private
from waypost.settings import Settings
from waypost.wiring import Parts

NAME = "admin, made on the first start"
"""How the key is called in lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminKey:
    """What a start did about the key: the text of one it `made`, or a `warning` where the one it has opens nothing."""

    made: str | None = None
    warning: str | None = None


def ensure_admin_key(parts: Parts) -> AdminKey:
    """See to a key for the command line; raise CannotStart where WAYPOST_ADMIN_KEY is weak.

    A key that was revoked or has expired stays so. The one in the home is followed by a new one; the one of the
    environment is somebody's to change.
    """
    settings = parts.settings
    if settings.admin_key is not None:
        given = settings.admin_key
        return parts.database.write(lambda session: _given(session, given, parts))
    text = parts.database.write(lambda session: _of_the_home(session, _kept(settings), parts.clock()))
    if text is None:
        return AdminKey()
    write_private(settings.key_file, text)
    return AdminKey(made=text)


def _of_the_home(session: Session, kept: str | None, now: datetime) -> str | None:
    """The text of a new key, where the home's opens nothing; one that no installation has seen is made this one's."""
    if kept is not None and api_keys.find(session, kept, now) is not None:
        return None
    unknown = kept if kept is not None and not api_keys.known(session, kept) else None
    return api_keys.create(session, NAME, ["admin"], now, unknown)[1]


def _given(session: Session, text: str, parts: Parts) -> AdminKey:
    """The key of the environment; it is not written into a folder that others mount."""
    if api_keys.find(session, text, parts.clock()) is not None:
        return AdminKey()
    if api_keys.known(session, text):
        return AdminKey(warning="WAYPOST_ADMIN_KEY was revoked or has expired, and opens nothing; set another one")
    try:
        api_keys.create(session, NAME, ["admin"], parts.clock(), text)
    except InvalidInput as weak:
        raise CannotStart(f"WAYPOST_ADMIN_KEY: {weak}") from None
    return AdminKey(made=text)


def _kept(settings: Settings) -> str | None:
    return settings.key_file.read_text().strip() if settings.key_file.exists() else None
