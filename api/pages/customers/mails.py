"""The mails to everybody, and one of them: what became of it, and the very body that was sent.

The body is in a frame of its own that runs and loads nothing.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame import api_calls, framed_mail
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from mail import signed_links
from services.errors import NotFound
from services.messages.waiting import held_by_hours
from services.reports.customer import customer_view, why_answers
from store.queries.definitions import broadcasts, journeys
from store.queries.feedback import delivery_events, engagements
from store.queries.identity import customers
from store.queries.listing import lists
from store.statuses import MessageStatus
from store.tables.customers import Customer

router = APIRouter(prefix="/messages", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


OFFERED = 500
"""Keys that a filter offers of each kind: some kilobytes. Others are typed."""


class WantedMails(BaseModel):
    """Which ones somebody looks for; what is empty lets all of them through."""

    model_config = ConfigDict(extra="ignore")

    status: MessageStatus | Literal[""] = ""
    journey: str = Field(default="", max_length=63)
    broadcast: str = Field(default="", max_length=63)
    template: str = Field(default="", max_length=63)

    @property
    def given(self) -> dict[str, str]:
        """What the filter says, as an address carries it."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value}


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, asked: Annotated[WantedMails, Query()]
) -> HTMLResponse:
    """A page at a time, those that were planned last first."""
    rows, cursor = lists.messages(session, page.slice("-planned"), **asked.given)
    known = {one.id: one for one in customers.by_ids(session, {row.customer_id for row in rows})}
    return frame.page(
        "customers/mails.html", mails=rows, customers=known, cursor=cursor, asked=asked, statuses=[*MessageStatus],
        meaning=REASONS, offered=_offered(frame, session), call=api_calls.shown_by("/v1/messages", **asked.given),
    )  # fmt: skip


def _offered(frame: Frame, session: Session) -> dict[str, list[str]]:
    """What the filters can be: a text that is completed as one types, since there may be hundreds of each."""
    names = {
        "template": frame.parts.templates(), "journey": journeys.keys(session), "broadcast": broadcasts.keys(session)
    }  # fmt: skip
    return {name: sorted(there)[:OFFERED] for name, there in names.items()}


@router.get("/{id}", response_class=HTMLResponse)
def mail(id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """Its outcome, its reports, why, and its text."""
    message, body = customer_view.message(session, id)
    customer = session.get(Customer, message.customer_id)
    why = why_answers.why(session, customer, None, None, id, now) if customer is not None else None
    text = signed_links.blanked(body.text) if body.text is not None else None
    return frame.page(
        "customers/mail.html", mail=message, body=body, text=text, customer=customer, why=why, meaning=REASONS,
        held=held_by_hours.reason(session, message, now) is not None,
        reports=delivery_events.of_message(session, id), engaged=engagements.of_message(session, id),
    )  # fmt: skip


@router.get("/{id}/body", response_class=HTMLResponse)
def body(id: str, looks: SupportUser, session: Reading) -> HTMLResponse:
    """The HTML as it was sent, with its signed links made useless."""
    html = customer_view.message(session, id)[1].html
    if html is None:
        raise NotFound("this mail was not written yet, or its text has been let go of")
    return framed_mail.framed(html)
