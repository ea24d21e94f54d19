"""Long work, the newest first: what it is, how far it is, how fast it goes, and who asked for it."""

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame import api_calls
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.operations import OperationKind
from store.queries.access import users
from store.queries.listing import lists
from store.statuses import OPERATION_LIVE, OperationStatus

router = APIRouter(
    prefix="/operations", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


class WantedOperations(BaseModel):
    """Which ones somebody looks for; what is empty lets all of them through."""

    model_config = ConfigDict(extra="ignore")

    kind: OperationKind | Literal[""] = ""
    status: OperationStatus | Literal[""] = ""

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value}


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    now: Now,
    page: ThePage,
    asked: Annotated[WantedOperations, Query()],
) -> HTMLResponse:
    """A page at a time; the part that htmx asks for again and again while something is under way."""
    rows, cursor = lists.operations(session, page.slice("-id"), kind=asked.kind or None, status=asked.status or None)
    name = "operations/listed.html" if frame.in_part else "operations/operations.html"
    return frame.page(
        name,
        operations=[(row, operation_out(row, now)) for row in rows],
        names=users.names(session, {row.asked_by for row in rows if row.asked_by is not None}),
        moving=any(row.status in OPERATION_LIVE for row in rows),
        cursor=cursor,
        behind=page.cursor or "",
        asked=asked,
        kinds=sorted(get_args(OperationKind)),
        statuses=list(OperationStatus),
        call=api_calls.shown_by("/v1/operations", **asked.given),
    )
