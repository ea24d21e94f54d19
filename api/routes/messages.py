"""Messages: the sending ledger."""

from typing import Literal

from fastapi import APIRouter

from api.deps.audit_trail import TheTrail
from api.deps.of_customer import OfCustomer
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.delivery_events import DeliveryEventOut
from api.schemas.messages import DecidedMany, DecideIn, DecideManyIn, EngagementOut, MessageOut, MessageWhole, SendNowIn
from mail import signed_links
from services.jobs.mails import decide_messages
from services.messages.waiting import held_by_hours, resolving
from services.reports.customer import customer_view
from store.queries.feedback import delivery_events, engagements
from store.queries.listing import lists
from store.queries.mails import unsure_messages
from store.queries.mails.unsure_messages import UnsureFilter
from store.statuses import MessageStatus

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=IdempotentRoute)


@router.get("", summary="List messages", responses=responses(404, 422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    customer: OfCustomer,
    journey: str | None = None,
    broadcast: str | None = None,
    step: str | None = None,
    status: MessageStatus | None = None,
    template: str | None = None,
    sort: Literal["planned", "-planned"] = "-planned",
) -> Page[MessageOut]:
    """The newest first."""
    rows, cursor = lists.messages(
        session,
        page.slice(sort),
        customer_id=customer,
        journey=journey,
        broadcast=broadcast,
        step=step,
        status=status,
        template=template,
    )
    return Page(items=[MessageOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{id}", summary="One message", responses=responses(404))
def get(id: str, session: Reading, caller: Support) -> MessageWhole:
    """With the very mail that was rendered, once it was, and what the provider reported about it.

    Its signed links are blanked: whoever holds one may leave, choose and consent in the customer's name.
    """
    message, body = customer_view.message(session, id)
    counted = {kind: EngagementOut.model_validate(one) for kind, one in engagements.of_message(session, id).items()}
    return MessageWhole(
        **MessageOut.model_validate(message).model_dump(),
        subject=body.subject,
        html=_blanked(body.html),
        text=_blanked(body.text),
        urls=body.urls,
        opens=counted.get("opened"),
        clicks=counted.get("clicked"),
        reports=[DeliveryEventOut.model_validate(one) for one in delivery_events.of_message(session, id)],
    )


@router.post("/decide", summary="Decide about many unsure messages", responses=responses(409, 422))
def decide_many(body: DecideManyIn, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> DecidedMany:
    """First without `count`: how many there are. Then with that number: an operation decides about them, in pages.

    Where there are more or fewer by then, nothing is done. A mail whose worker was lost is sent again when no call with
    it can be under way any more. The same call twice, without an Idempotency-Key, is refused, or is a second operation
    that finds nothing left: each mail is decided about once, and what becomes unsure behind the call is left out.
    """
    status = MessageStatus(body.status) if body.status is not None else None
    given = body.model_dump(include={"journey", "broadcast", "template", "reason", "since", "until"})
    wanted = UnsureFilter(status=status, **given)
    if body.count is None:
        return DecidedMany(count=unsure_messages.count(session, wanted), operation=None)
    operation = decide_messages.start(session, wanted, body.verdict, body.count, caller.id, now)
    trail.note(f"decided {body.verdict}", "messages", operation.id, after=body)
    return DecidedMany(count=body.count, operation=operation.id)


@router.post("/{id}/decide", summary="Decide about an unsure message", responses=responses(404, 409, 422))
def decide(id: str, body: DecideIn, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> MessageOut:
    """Of a mail that is `unknown` or `parked` nobody can tell whether it went. What a person decides is on record."""
    before = MessageOut.model_validate(customer_view.message(session, id)[0])
    after = MessageOut.model_validate(resolving.decide(session, id, body.verdict, f"key {caller.id}", now))
    trail.note(f"decided {body.verdict}", "message", id, before, after)
    return after


@router.post("/{id}/send-now", summary="Send a mail past its hours", responses=responses(404, 409, 422))
def send_now(id: str, body: SendNowIn, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> MessageOut:
    """One that quiet hours, its send window or a cap have put off goes at once, past these and past nothing else.

    Its enrollment goes on when it would have. A broadcast's mail keeps its hours.
    """
    before = MessageOut.model_validate(customer_view.message(session, id)[0])
    after = MessageOut.model_validate(held_by_hours.let_past(session, id, f"let past by {caller.id}", now))
    trail.note("sent past hours and caps", "message", id, before, after, body.reason)
    return after


def _blanked(text: str | None) -> str | None:
    return signed_links.blanked(text) if text is not None else None
