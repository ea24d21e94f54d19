"""The ways out of the house: open or closed, and what waits."""

from fastapi import APIRouter

from api import schemas
from api.deps import Now, Reading, Support
from api.errors import responses
from services import channels, delivering
from services.claiming import LANES

router = APIRouter(prefix="/v1/channels", tags=["messages"])


@router.get("", summary="Channels and lanes", responses=responses())
def listed(session: Reading, now: Now, caller: Support) -> schemas.ChannelsOut:
    """A channel closes itself when the provider refuses our key or fails five times in a row, and says so."""
    return schemas.ChannelsOut(
        channels=[schemas.ChannelOut.model_validate(one) for one in channels.listed(session)],
        lanes=[schemas.LaneOut(name=name, **delivering.waiting(session, name, now)) for name in LANES],
    )
