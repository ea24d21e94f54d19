"""Channels: the providers that mail goes out by, open or closed, and what waits in each lane; all lanes held or not."""

from fastapi import APIRouter
from sqlmodel import Session

from api.deps.permission import Admin, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.channels import ChannelOut, ChannelsOut, HoldIn, HoldOut, LaneOut
from services.messages.sending import held_lanes, sending_ledger
from store.queries.sending import channels, holds

router = APIRouter(prefix="/v1", tags=["messages"], route_class=IdempotentRoute)


@router.get("/channels", summary="Channels and lanes", responses=responses())
def listed(session: Reading, caller: Support) -> ChannelsOut:
    """A channel closes itself when the provider refuses our key or fails five times in a row, and says so."""
    return _shown(session)


@router.post("/lanes/hold", summary="Hold all lanes", responses=responses(409, 422))
def hold(body: HoldIn, session: Writing, now: Now, caller: Admin) -> ChannelsOut:
    """No mail, webhook or note is claimed from now on; journeys go on, and what they plan waits.

    What is with a provider already is finished. Where all lanes are held already, that hold stays as it is.
    """
    held_lanes.hold(session, caller.id, body.reason, now)
    return _shown(session)


@router.post("/lanes/release", summary="Let all lanes go", responses=responses(409))
def release(session: Writing, now: Now, caller: Admin) -> ChannelsOut:
    """What waited goes, by the policies that hold at that moment. Nothing happens where nothing is held."""
    held_lanes.release(session, caller.id, now)
    return _shown(session)


def _shown(session: Session) -> ChannelsOut:
    held = holds.current(session)
    return ChannelsOut(
        channels=[ChannelOut.model_validate(one) for one in channels.listed(session)],
        lanes=[LaneOut(name=name, **counts) for name, counts in sending_ledger.waiting(session).items()],
        held=HoldOut.model_validate(held) if held is not None else None,
    )
