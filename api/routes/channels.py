"""The ways out of the house: open or closed, and what waits."""

from fastapi import APIRouter

from api import schemas
from api.deps import Now, Reading, Support
from api.errors import responses
from services.messages import circuit_breaker, sending_ledger
from services.messages.claiming import LANES

router = APIRouter(prefix="/v1/channels", tags=["messages"])


@router.get("", summary="Channels and lanes", responses=responses())
def listed(session: Reading, now: Now, caller: Support) -> schemas.ChannelsOut:
    """A channel closes itself when the provider refuses our key or fails five times in a row, and says so."""
    return schemas.ChannelsOut(
        channels=[schemas.ChannelOut.model_validate(one) for one in circuit_breaker.listed(session)],
        lanes=[schemas.LaneOut(name=name, **sending_ledger.waiting(session, name, now)) for name in LANES],
    )
