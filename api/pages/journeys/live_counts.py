"""The counts on a journey's map, told to a page as they change; read from the books every time, never counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.deps.backend import Backend, TheBackend
from api.deps.signed_in import SupportUser
from api.edge.own_pages import own_form
from api.pages.frame.problems import PageRoute
from pictures import map_counts
from services.errors import NotFound
from services.reports.lifecycle import lifecycle_report
from services.reports.listings import journey_view

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

LOOK_EVERY = 2.0
"""Seconds between two looks: as a person notices a change, and one statement or two for whoever looks."""

LOOKS = 150
"""Looks of one stream, five minutes: the browser then asks anew, and is asked whether it is signed in still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJourney:
    """What was seen at one look: the state and version of the journey, and every count as it is shown."""

    state: str
    counts: Mapping[str, str]


def seen(parts: Backend, key: str) -> SeenJourney:
    """A look at a journey; raise NotFound."""
    with parts.database.reading() as session:
        standing = journey_view.standing(session, key)
        counts = map_counts.named(*lifecycle_report.on_the_map(session, key))
    return SeenJourney(state=state_shown(standing), counts=counts)


def state_shown(standing: journey_view.JourneyStanding) -> str:
    """State and version in one: where it is another one, the page is out of date."""
    return f"{standing.state} {standing.journey.live_version or 0}"


async def changes(
    look: Callable[[], Awaitable[SeenJourney]], rest: Callable[[], Awaitable[None]], looks: int
) -> AsyncIterator[ServerSentEvent]:
    """`counts` and `state` each time they differ from before, so many looks long; `gone` where there is no journey."""
    last: SeenJourney | None = None
    for _ in range(looks):
        try:
            now = await look()
        except NotFound:
            yield ServerSentEvent(data="", event="gone")
            return
        if last is None or now.counts != last.counts:
            yield ServerSentEvent(data=now.counts, event="counts")
        if last is None or now.state != last.state:
            yield ServerSentEvent(data=now.state, event="state")
        last = now
        await rest()


def _first(key: str, parts: TheBackend) -> SeenJourney:
    return seen(parts, key)


FirstLook = Annotated[SeenJourney, Depends(_first)]
"""A look before the first event is promised: a journey that does not exist is a 404."""


@router.get("/{key}/watch", response_class=EventSourceResponse)
async def watch(key: str, parts: TheBackend, looks: SupportUser, first: FirstLook) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events, for as long as somebody looks."""

    async def look() -> SeenJourney:
        return await run_in_threadpool(seen, parts, key)

    async for event in changes(look, lambda: asyncio.sleep(LOOK_EVERY), LOOKS):
        yield event
