"""One mail: what became of it, and the very body that was sent, in a frame of its own that runs and loads nothing."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame import framed_mail
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from mail import signed_links
from services.errors import NotFound
from services.reports import customer_view, why_answers
from store.queries import delivery_events, engagements
from store.tables.customers import Customer

router = APIRouter(prefix="/messages", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("/{id}", response_class=HTMLResponse)
def mail(id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """Its outcome, its reports, why, and its text."""
    message, body = customer_view.message(session, id)
    customer = session.get(Customer, message.customer_id)
    why = why_answers.why(session, customer, None, None, id, now) if customer is not None else None
    text = signed_links.blanked(body.text) if body.text is not None else None
    return frame.page(
        "customers/mail.html", mail=message, body=body, text=text, customer=customer, why=why, meaning=REASONS,
        reports=delivery_events.of_message(session, id), engaged=engagements.of_message(session, id),
    )  # fmt: skip


@router.get("/{id}/body", response_class=HTMLResponse)
def body(id: str, looks: SupportUser, session: Reading) -> HTMLResponse:
    """The HTML as it was sent, with its signed links made useless."""
    html = customer_view.message(session, id)[1].html
    if html is None:
        raise NotFound("this mail was not written yet, or its text has been let go of")
    return framed_mail.framed(html)
