"""Who changed what, the newest first: found by what was changed and by whom, each with what differed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from api.deps.paging import ThePage
from api.deps.signed_in import AdminUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame import api_calls, differences
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from journeys.facts import calendar
from readers import dates
from services.access.audit_log import SAID
from store.queries.access import users
from store.queries.listing import lists
from store.tables.access import Audit

router = APIRouter(prefix="/audit", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

PLACES: Mapping[str, str] = {
    "customer": "/customers/{}",
    "enrollment": "/customers?query={}",
    "journey": "/journeys/{}",
    "operation": "/operations/{}",
    "segment": "/segments/{}",
    "settings": "/settings",
    "topic": "/topics/{}/edit",
}
"""Where things of a kind are seen, by their id or key; others have no page of their own."""

KINDS = (
    "books", "broadcast", "consents", "customer", "customers", "dispatch", "enrollment", "enrollments", "events",
    "hook", "journey", "key", "lanes", "message", "operation", "recipients", "segment", "settings", "template",
    "topic", "user",
)  # fmt: skip
"""Kinds of things that are changed, to choose from."""


class WantedChanges(BaseModel):
    """Which ones somebody looks for; what is empty lets all of them through."""

    model_config = ConfigDict(extra="ignore")

    kind: str = Field(default="", max_length=40)
    target: str = Field(default="", max_length=200)
    actor: str = Field(default="", max_length=200)

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {name: value for name, value in self.model_dump().items() if value}


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: AdminUser, session: Reading, page: ThePage, asked: Annotated[WantedChanges, Query()]
) -> HTMLResponse:
    """A page at a time. Of customers only the names of what changed are kept."""
    rows, cursor = lists.audit(
        session, page.slice("-at"), kind=asked.kind or None, target=asked.target or None, actor=asked.actor or None
    )
    return frame.page(
        "settings/audit_log.html",
        entries=[(row, differences.between(row.before, _told(row)), (row.after or {}).get(SAID)) for row in rows],
        names=users.names(session, {row.actor for row in rows}),
        cursor=cursor,
        asked=asked,
        kinds=KINDS,
        instant=_instant,
        place=lambda row: PLACES[row.kind].format(quote(row.target, safe="")) if row.kind in PLACES else "",
        call=api_calls.shown_by("/v1/audit", **asked.given),
    )


def _told(row: Audit) -> dict[str, object]:
    """What became of it, without the reason, which stands by itself."""
    return {name: value for name, value in (row.after or {}).items() if name != SAID}


def _instant(text: str) -> datetime | None:
    """The instant that a part holds, to be shown on the reader's clock; None where it holds something else."""
    found = dates.read(text) if "T" in text else None
    if isinstance(found, datetime) and found.tzinfo is not None and found.year in calendar.YEARS:
        return found
    return None
