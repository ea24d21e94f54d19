"""Events of everybody as they come, and what was refused: what somebody looks at who connects a product.

The newest are asked for again and again, and put in place of those on the page where others came; not while somebody
reads the properties of one (`app.js`).
"""

import zlib
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame import api_calls
from api.pages.frame.frame import PRIVATE, TheFrame
from api.pages.frame.problems import PageRoute
from services.ingestion.segment_api import TYPES
from store.queries.history import event_names
from store.queries.identity import customers
from store.queries.listing import lists
from store.queries.listing.lists import Slice

router = APIRouter(prefix="/events", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

OFFERED = 200
"""Names of events that the filter offers: a catalogue has some dozens."""


class WantedEvents(BaseModel):
    """Of which name, and whether the list stands still; `shown` is what the page has that asks again."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(default="", max_length=200)
    held: bool = False
    shown: str = Field(default="", max_length=20)

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {"name": self.name} if self.name else {}


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, asked: Annotated[WantedEvents, Query()]
) -> Response:
    """A page at a time, the newest first; nothing where whoever asks again has these."""
    rows, cursor = lists.events(session, page.slice("-received"), name=asked.name or None)
    shown = _mark(rows)
    if frame.in_part and asked.shown == shown:
        return Response(status_code=204, headers=PRIVATE)
    whose = {one.id: one for one in customers.by_ids(session, {row.customer_id for row in rows})}
    context: dict[str, Any] = {
        "events": rows, "customers": whose, "cursor": cursor, "asked": asked, "shown": shown,
        "live": not asked.held and page.cursor is None,
    }  # fmt: skip
    if frame.in_part:
        return frame.page("customers/events_part.html", **context)
    refused, _ = lists.rejections(session, Slice(limit=1, descending=True))
    return frame.page(
        "customers/events.html", names=sorted(event_names.seen(session))[:OFFERED], refused=next(iter(refused), None),
        call=api_calls.shown_by("/v1/events", **asked.given), **context,
    )  # fmt: skip


def _mark(rows: Sequence[Any]) -> str:
    """Tells whether a page shows these very events."""
    return f"{zlib.crc32(' '.join(one.id for one in rows).encode()):08x}"


@router.get("/refused", response_class=HTMLResponse)
def refused(
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    page: ThePage,
    type: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """What was not taken in, the newest first, each with the field that is wrong and why."""
    rows, cursor = lists.rejections(session, page.slice("-received"), type=type or None)
    return frame.page(
        "customers/refused_events.html", refusals=rows, cursor=cursor, type=type, types=TYPES,
        call=api_calls.shown_by("/v1/rejections", type=type),
    )  # fmt: skip
