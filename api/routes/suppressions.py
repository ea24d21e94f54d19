"""Suppressions: addresses that are never written to."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlmodel import Session

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.errors import responses
from api.schemas.base import Page
from api.schemas.suppressions import Suppressed, SuppressionIn, SuppressionOut, SuppressionReason
from services.customers import suppressions
from store.queries import customers, lists
from store.tables.customers import Suppression

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
    reason = (body or SuppressionIn()).reason
    before = _as_it_was(suppressions.find(session, email))
    found = suppressions.put(session, email, reason, f"key {caller.id}", now)
    trail.note("suppressed", "customer", _owner(session, found.email), before, Suppressed.model_validate(found))
    return SuppressionOut.model_validate(found)


@router.delete("/{email}", status_code=204, summary="Let an address be written to again", responses=responses(404, 422))
def delete(email: Email, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Bounces and complaints bring it back."""
    gone = suppressions.delete(session, email)
    trail.note("unsuppressed", "customer", _owner(session, gone.email), before=_as_it_was(gone))
    return Response(status_code=204)


def _as_it_was(found: Suppression | None) -> Suppressed | None:
    return Suppressed.model_validate(found) if found is not None else None


def _owner(session: Session, email: str) -> str:
    """Whose address it is, by the opaque id: the audit log holds nothing that names a person."""
    customer = customers.find(session, email)
    return customer.id if customer is not None else "nobody known"
