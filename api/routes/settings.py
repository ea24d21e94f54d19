"""The settings of the installation."""

from fastapi import APIRouter, Response

from api import etags, schemas
from api.deps import Admin, Now, Reading, Support, TheTrail, Writing
from api.errors import responses
from api.etags import TheTags
from services.installation import installation_settings

router = APIRouter(prefix="/v1/settings", tags=["settings"])


@router.get("", summary="The settings", responses=responses())
def get(session: Reading, caller: Support, response: Response) -> schemas.HouseSettings:
    """Default zone, quiet hours, the cap over all topics, sandbox recipients, retention."""
    return etags.tagged(response, installation_settings.load(session))


@router.put("", summary="Change the settings", responses=responses(409, 412, 422))
def put(
    body: schemas.HouseSettings, session: Writing, now: Now, caller: Admin, tags: TheTags, trail: TheTrail
) -> schemas.HouseSettings:
    """All of them at once; what is left out has its default. They hold for mail that is planned already too."""
    before = installation_settings.load(session)
    tags.check(before)
    installation_settings.save(session, body, now)
    trail.note("changed", "settings", "settings", before, body)
    return tags.tagged(installation_settings.load(session))
