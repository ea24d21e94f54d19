"""The admin key: made on the first start, shown once, kept for the command line in the home."""

from services.access import api_keys
from waypost.settings import Settings, write_private
from waypost.wiring import Parts


def ensure_admin_key(parts: Parts) -> str | None:
    """The text of a key that was made just now, or None where there was one before."""
    settings = parts.settings
    known = settings.admin_key or _kept(settings)
    with parts.database.writing() as session:
        if known and api_keys.find(session, known, parts.clock()) is not None:
            return None
        _, text = api_keys.create(session, "admin, made on the first start", ["admin"], parts.clock(), known)
    if settings.admin_key is None:  # what the environment holds need not lie in a folder that others mount
        write_private(settings.key_file, text)
    return text


def _kept(settings: Settings) -> str | None:
    return settings.key_file.read_text().strip() if settings.key_file.exists() else None
