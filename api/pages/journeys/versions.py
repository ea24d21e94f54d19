"""The versions of a journey, each with what it changed in a sentence; and any two beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.changes.publication import versions
from services.reports.listings import journey_view
from store.queries.access import users
from store.queries.listing import lists

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

WantedSide = Annotated[str, Query(pattern=r"^([1-9][0-9]{0,8}|draft)$")]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a difference between two texts; `kind` is added, removed, place or same."""

    kind: str
    text: str


@router.get("/{key}/versions", response_class=HTMLResponse)
def listed(key: str, frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage) -> HTMLResponse:
    """The newest first."""
    standing = journey_view.standing(session, key)
    rows, cursor = lists.versions(session, page.slice("-number"), key)
    people = {by for one in rows for by in (one.drafted_by, one.published_by) if by is not None}
    return frame.page(
        "journeys/versions.html",
        standing=standing,
        tab="versions",
        versions=rows,
        told=versions.summaries(session, rows),
        names=users.names(session, people),
        cursor=cursor,
        call=f"/v1/journeys/{key}/versions",
    )


@router.get("/{key}/versions/compare", response_class=HTMLResponse)
async def compare(
    key: str, frame: TheFrame, looks: SupportUser, heavy: TheHeavyWork, before: WantedSide, after: WantedSide
) -> HTMLResponse:
    """What the one changes of the other: in sentences, and line by line."""

    def look() -> HTMLResponse:
        with frame.parts.database.reading() as session:
            standing = journey_view.standing(session, key)
            sides = [versions.side(session, key, one if one == versions.DRAFT else int(one)) for one in (before, after)]
        compared = versions.compare(*sides)
        return frame.page(
            "journeys/compare.html", standing=standing, tab="versions", compared=compared, lines=_lines(compared.text),
            call=f"/v1/journeys/{key}/versions/{before}...{after}",
        )  # fmt: skip

    return await heavy.run(look)


_KINDS = {"+": "added", "-": "removed", "@": "place"}


def _lines(text: str) -> Sequence[DiffLine]:
    """The lines of a unified difference, without the names of its sides, which the page tells."""
    return [DiffLine(_KINDS.get(line[:1], "same"), line) for line in text.splitlines()[2:]]
