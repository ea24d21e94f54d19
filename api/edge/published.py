"""A publish as the API shows it."""

from datetime import datetime

from api.edge.publishing import DonePublish
from api.edge.shown_operations import operation_out
from api.schemas.journey_changes import Published
from api.schemas.journeys import VersionOut


def published(done: DonePublish, now: datetime) -> Published:
    """The version, and the operation that moves those who are under way."""
    shown = VersionOut.model_validate(done.version).model_dump()
    moving = operation_out(done.moving, now) if done.moving is not None else None
    return Published(**shown, created=done.created, operation=moving)
