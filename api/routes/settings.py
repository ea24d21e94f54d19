"""The settings of the installation."""

from fastapi import APIRouter, Response

from api.deps.audit_trail import TheTrail
from api.deps.permission import Admin, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags, settings_changes
from api.edge.etags import TheTags
from api.errors import responses
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings

router = APIRouter(prefix="/v1/settings", tags=["settings"])


@router.get("", summary="The settings", responses=responses())
def get(session: Reading, caller: Support, response: Response) -> InstallationSettings:
    """Default zone, quiet hours, the cap over all topics, sandbox recipients, retention."""
    return etags.tagged(response, installation_settings.load(session))


@router.put("", summary="Change the settings", responses=responses(409, 412, 422))
def put(
    body: InstallationSettings, session: Writing, now: Now, caller: Admin, tags: TheTags, trail: TheTrail
) -> InstallationSettings:
    """All of them at once; what is left out has its default. They hold for mail that is planned already too."""
    settings_changes.put(session, trail, tags, body, now)
    return tags.tagged(installation_settings.load(session))
