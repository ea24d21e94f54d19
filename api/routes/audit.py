"""Who changed what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.deps.paging import ThePage
from api.deps.permission import Admin
from api.deps.transactions import Reading
from api.errors import responses
from api.schemas.audit import AuditOut
from api.schemas.base import Page
from store.queries import lists

router = APIRouter(prefix="/v1/audit", tags=["keys"])


@router.get("", summary="Who changed what", responses=responses(422))
def listed(
    session: Reading,
    key: Admin,
    page: ThePage,
    kind: Annotated[str | None, Query(description="journey, template, segment, topic, key, customer, …")] = None,
    target: Annotated[str | None, Query(description="its key or id")] = None,
    actor: Annotated[str | None, Query(description="the id of a key")] = None,
    sort: Literal["at", "-at"] = "-at",
) -> Page[AuditOut]:
    """The newest first, with before and after. Of customers only the names of what changed are kept."""
    rows, cursor = lists.audit(session, page.slice(sort), kind=kind, target=target, actor=actor)
    return Page(items=[AuditOut.model_validate(row) for row in rows], cursor=cursor)
