"""What a customer gets mail about, and whether their address gets any: switches, each on record with who turned it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from api.deps.signed_in import MarketerUser
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.access import audit_log
from services.customers import suppressions
from services.errors import InvalidInput
from services.feedback.answers import consents
from services.reports.customer import customer_view

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


@router.post("/{id}/consent/{topic}", response_class=RedirectResponse)
def turn(
    id: str, topic: str, frame: TheFrame, looks: MarketerUser, granted: Annotated[bool, Form()]
) -> RedirectResponse:
    """What the customer said, as a colleague heard it."""
    now = frame.parts.clock()

    def work(session: Session) -> str:
        customer = customer_view.customer(session, id)
        if consents.record(session, customer.id, topic, granted, f"told {looks.name}", now, now):
            action = "granted" if granted else "withdrew"
            changed = {"changed": [f"consent {topic}"]}
            audit_log.record(session, looks.actor, action, "customer", customer.id, now, after=changed)
        return customer.id

    return _back(frame.parts.database.write(work))


@router.post("/{id}/suppress", response_class=RedirectResponse)
def suppress(id: str, frame: TheFrame, looks: MarketerUser) -> RedirectResponse:
    """No mail goes to the address any more."""
    now = frame.parts.clock()

    def work(session: Session) -> str:
        customer = customer_view.customer(session, id)
        suppressions.put(session, customer.email or "", "manual", f"user {looks.actor}", now)
        audit_log.record(session, looks.actor, "suppressed", "customer", customer.id, now)
        return customer.id

    return _back(frame.parts.database.write(work))


@router.post("/{id}/unsuppress", response_class=RedirectResponse)
def unsuppress(id: str, frame: TheFrame, looks: MarketerUser) -> RedirectResponse:
    """Mail goes to the address again."""
    now = frame.parts.clock()

    def work(session: Session) -> str:
        customer = customer_view.customer(session, id)
        if customer.email is None:
            raise InvalidInput("the customer has no address", "email")
        suppressions.delete(session, customer.email)
        audit_log.record(session, looks.actor, "unsuppressed", "customer", customer.id, now)
        return customer.id

    return _back(frame.parts.database.write(work))


def _back(customer_id: str) -> RedirectResponse:
    return RedirectResponse(f"/customers/{customer_id}#mail", 303)
