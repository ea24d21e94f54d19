"""API keys."""

from fastapi import APIRouter

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Admin
from api.deps.transactions import Now, Reading, Writing
from api.edge import key_changes
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.keys import KeyIn, KeyMade, KeyOut, OriginsIn
from store.queries.listing import lists

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=IdempotentRoute)


@router.post("", status_code=201, summary="Make a key", responses=responses(409, 422))
def create(body: KeyIn, session: Writing, now: Now, caller: Admin, trail: TheTrail) -> KeyMade:
    """The key itself is in this answer and nowhere else. It may expire, and have a rate of its own."""
    return key_changes.create(session, trail, body, now)


@router.get("", summary="List keys", responses=responses(422))
def listed(session: Reading, caller: Admin, page: ThePage) -> Page[KeyOut]:
    """Prefix, scopes and last use; never the key."""
    rows, cursor = lists.api_keys(session, page.slice())
    return Page(items=[KeyOut.model_validate(row) for row in rows], cursor=cursor)


@router.put("/{id}/origins", summary="Name the pages that may call with a key", responses=responses(404, 422))
def set_origins(id: str, body: OriginsIn, session: Writing, caller: Admin, trail: TheTrail) -> KeyOut:
    """All of them: pages of other origins are refused. An empty list refuses nobody, and lets no page read answers."""
    return key_changes.set_origins(session, trail, id, body.origins)


@router.delete("/{id}", summary="Revoke a key", responses=responses(404))
def revoke(id: str, session: Writing, now: Now, caller: Admin, trail: TheTrail) -> KeyOut:
    """From now on the key is refused."""
    return key_changes.revoke(session, trail, id, now)
