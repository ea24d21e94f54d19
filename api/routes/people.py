"""About one customer: what happened and why, what they said, and everything that is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import schemas
from api.deps import Admin, Marketer, Now, Reading, Support, ThePage, TheTrail, Writing
from api.errors import responses
from api.routes.customers import CustomerId
from services.customers import data_export
from services.feedback import consents
from services.reports import customer_view, why_answers
from services.reports.why_answers import Why

router = APIRouter(prefix="/v1/customers", tags=["customers"])


@router.get("/{id}/timeline", summary="What happened, and why", responses=responses(404, 422))
def timeline(id: CustomerId, session: Reading, key: Support, page: ThePage) -> schemas.Page[schemas.TimelineEntry]:
    """Events and decisions, the newest first."""
    customer = customer_view.customer(session, id)
    entries, cursor = customer_view.timeline(session, customer.id, page.cursor, page.limit)
    return schemas.Page(items=[schemas.TimelineEntry(**entry) for entry in entries], cursor=cursor)


@router.get("/{id}/why", summary="Why did they (not) get that mail?", responses=responses(404, 422))
def why(
    id: CustomerId,
    session: Reading,
    now: Now,
    key: Support,
    journey: Annotated[str | None, Query(max_length=63, description="a journey's key")] = None,
    step: Annotated[str | None, Query(max_length=300, description="a step's id, or a template's key")] = None,
    message: Annotated[str | None, Query(max_length=64, description="a message's id; then nothing else")] = None,
) -> schemas.WhyOut:
    """An answer in a sentence, with every decision behind it: the guards and the values they saw, the policy that
    spoke, when it is tried next. Of a journey that the customer never entered it says which guard kept them out.
    """
    customer = customer_view.customer(session, id)
    return _told(why_answers.why(session, customer, journey, step, message, now))


def _told(why: Why) -> schemas.WhyOut:
    return schemas.WhyOut(
        answer=why.answer,
        entered=why.entered,
        reason=why.reason,
        meaning=why.meaning,
        next_at=why.next_at,
        enrollment=schemas.EnrollmentOut.model_validate(why.enrollment) if why.enrollment else None,
        message=schemas.MessageOut.model_validate(why.message) if why.message else None,
        triggers=[schemas.TriggerNow(**one) for one in why.triggers],
        decisions=[schemas.TimelineEntry(**customer_view.shown(one)) for one in why.decisions],
    )


@router.get("/{id}/consent", summary="What a customer said about topics", responses=responses(404))
def consent(id: CustomerId, session: Reading, key: Support) -> list[schemas.ConsentOut]:
    """Where there is no statement, the topic's terms hold: `opt_out` sends, `opt_in` does not."""
    customer = customer_view.customer(session, id)
    return [schemas.ConsentOut.model_validate(one) for one in consents.of(session, customer.id)]


@router.put("/{id}/consent/{topic}", summary="Say what a customer said", responses=responses(404, 409, 422))
def put_consent(
    id: CustomerId,
    topic: str,
    body: schemas.ConsentIn,
    session: Writing,
    now: Now,
    key: Marketer,
    trail: TheTrail,
) -> list[schemas.ConsentOut]:
    """Consent to a topic, or its withdrawal; `*` is every topic. Withdrawn from `*`, no topic is left.

    Where the topic asks for double opt-in, a yes is `pending`, a mail asks, and the link in it confirms.
    """
    customer = customer_view.customer(session, id)
    evidence = body.evidence.model_dump(exclude_none=True) if body.evidence else None
    if consents.say(
        session,
        customer.id,
        topic,
        body.granted,
        body.source,
        body.at or now,
        now,
        confirmed=body.confirmed,
        evidence=evidence,
    ):
        trail.names("granted" if body.granted else "withdrew", "customer", customer.id, {f"consent {topic}": True})
    return [schemas.ConsentOut.model_validate(one) for one in consents.of(session, customer.id)]


@router.get("/{id}/export", summary="Everything kept about a customer", responses=responses(404))
def export(id: CustomerId, session: Reading, key: Admin) -> dict[str, Any]:
    """Rows by table: the profile, events, enrollments, decisions, mails with their bodies, consents and the rest."""
    return data_export.export(session, customer_view.customer(session, id))
