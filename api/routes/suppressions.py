"""Suppressions: addresses that are never written to."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import suppression_changes
from api.errors import responses
from api.schemas.base import Page
from api.schemas.suppressions import SuppressionIn, SuppressionOut, SuppressionReason
from store.queries.listing import lists

router = APIRouter(prefix="/v1/suppressions", tags=["topics and consent"])

Email = Annotated[str, Path(description="an email address", max_length=320)]


@router.get("", summary="List suppressions", responses=responses(422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    reason: SuppressionReason | None = None,
) -> Page[SuppressionOut]:
    """By address."""
    rows, cursor = lists.suppressions(session, page.slice(), reason=reason)
    return Page(items=[SuppressionOut.model_validate(row) for row in rows], cursor=cursor)


@router.put("/{email}", summary="Suppress an address", responses=responses(409, 422))
def put(
    email: Email,
    session: Writing,
    now: Now,
    caller: Marketer,
    trail: TheTrail,
    body: SuppressionIn | None = None,
) -> SuppressionOut:
    """No mail goes there from now on, transactional mail included. The first reason stays."""
    return suppression_changes.put(session, trail, email, body or SuppressionIn(), f"key {caller.id}", now)


@router.delete("/{email}", status_code=204, summary="Let an address be written to again", responses=responses(404, 422))
def delete(email: Email, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Bounces and complaints bring it back."""
    suppression_changes.lift(session, trail, email)
    return Response(status_code=204)
