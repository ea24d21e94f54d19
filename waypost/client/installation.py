"""The client of the API, with the key that `waypost up` left in the home."""

from waypost.client import Waypost
from waypost.client.transport import ATTEMPTS
from waypost.settings import Settings


def client(settings: Settings | None = None) -> Waypost:
    """A client for this installation, with the key of WAYPOST_ADMIN_KEY, or else the one that is kept in the home.

    Raises pydantic's ValidationError where a setting cannot be read.
    """
    return _client(settings or Settings(), ATTEMPTS)


def asking_once(settings: Settings) -> Waypost:
    """The same client, for whoever wants to hear at once that a part is away, and not after some waiting."""
    return _client(settings, 1)


def _client(settings: Settings, attempts: int) -> Waypost:
    kept = settings.key_file.read_text().strip() if settings.key_file.exists() else None
    return Waypost(settings.api_url or settings.url, settings.admin_key or kept, attempts=attempts)
