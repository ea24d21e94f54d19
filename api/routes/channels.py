"""Channels: the providers that mail goes out by, open or closed, and what waits in each lane."""

from fastapi import APIRouter

from api.deps.permission import Support
from api.deps.transactions import Reading
from api.errors import responses
from api.schemas.channels import ChannelOut, ChannelsOut, LaneOut
from services.messages import sending_ledger
from store.queries import channels

router = APIRouter(prefix="/v1/channels", tags=["messages"])


@router.get("", summary="Channels and lanes", responses=responses())
def listed(session: Reading, caller: Support) -> ChannelsOut:
    """A channel closes itself when the provider refuses our key or fails five times in a row, and says so."""
    return ChannelsOut(
        channels=[ChannelOut.model_validate(one) for one in channels.listed(session)],
        lanes=[LaneOut(name=name, **counts) for name, counts in sending_ledger.waiting(session).items()],
    )
