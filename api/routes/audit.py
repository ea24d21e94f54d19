"""Who changed what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.deps.paging import ThePage
from api.deps.permission import Admin
from api.deps.transactions import Reading
from api.errors import responses
from api.schemas.audit import AuditOut
from api.schemas.base import Page
from store.queries.access import users as user_rows
from store.queries.listing import lists

router = APIRouter(prefix="/v1/audit", tags=["keys"])


@router.get("", summary="Who changed what", responses=responses(422))
def listed(
    session: Reading,
    key: Admin,
    page: ThePage,
    kind: Annotated[str | None, Query(description="journey, template, segment, topic, key, user, customer, …")] = None,
    target: Annotated[str | None, Query(description="its key or id")] = None,
    actor: Annotated[str | None, Query(description="the id of a user or a key")] = None,
    sort: Literal["at", "-at"] = "-at",
) -> Page[AuditOut]:
    """The newest first, with before and after. Of customers only the names of what changed are kept."""
    rows, cursor = lists.audit(session, page.slice(sort), kind=kind, target=target, actor=actor)
    names = user_rows.names(session, {row.actor for row in rows})
    items = [AuditOut.model_validate(row).model_copy(update={"by": names.get(row.actor)}) for row in rows]
    return Page(items=items, cursor=cursor)
