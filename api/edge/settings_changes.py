"""The settings of the installation changed, on record: for the API's call and for the page's form."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.edge.etags import Tags
from services.definitions.pausing import send_hours
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings


def put(session: Session, trail: Trail, tags: Tags, wanted: InstallationSettings, now: datetime) -> None:
    """All of them at once, under conditions; raise what `Tags.check` and `send_hours.check_settings` raise."""
    before = installation_settings.load(session)
    tags.check(before)
    send_hours.check_settings(session, wanted)
    installation_settings.save(session, wanted, now)
    trail.note("changed", "settings", "settings", before, wanted)
