"""Addresses suppressed and let be written to again, on record: for the API's calls and for the pages' forms."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.schemas.suppressions import Suppressed, SuppressionIn, SuppressionOut
from services.customers import suppressions
from store.queries.identity import customers
from store.tables.customers import Suppression


def put(
    session: Session, trail: Trail, email: str, wanted: SuppressionIn, source: str, now: datetime, said: str = ""
) -> SuppressionOut:
    """Suppress an address; `source` is who says so. Raise InvalidInput where it is none."""
    before = _as_it_was(suppressions.find(session, email))
    found = suppressions.put(session, email, wanted.reason, source, now)
    trail.note("suppressed", "customer", _owner(session, found.email), before, Suppressed.model_validate(found), said)
    return SuppressionOut.model_validate(found)


def lift(session: Session, trail: Trail, email: str, said: str = "") -> None:
    """Let an address be written to again; raise NotFound, InvalidInput."""
    gone = suppressions.delete(session, email)
    trail.note("unsuppressed", "customer", _owner(session, gone.email), before=_as_it_was(gone), said=said)


def _as_it_was(found: Suppression | None) -> Suppressed | None:
    return Suppressed.model_validate(found) if found is not None else None


def _owner(session: Session, email: str) -> str:
    """Whose address it is, by the opaque id: the audit log holds nothing that names a person."""
    customer = customers.find(session, email)
    return customer.id if customer is not None else "nobody known"
