"""What happened to a customer, and why they did (not) get that mail."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps.paging import ThePage
from api.deps.permission import Support
from api.deps.transactions import Now, Reading
from api.errors import responses
from api.routes.customers import CustomerId
from api.schemas.base import Page
from api.schemas.enrollments import EnrollmentOut
from api.schemas.hooks import HookOut
from api.schemas.messages import MessageOut
from api.schemas.timeline import TimelineEntry, TriggerNow, WhyOfProfile, WhyOut
from services.reports.customer import customer_view, experienced_versions, why_answers
from services.reports.customer.why_mail import Why
from store.tables.customers import Customer

router = APIRouter(prefix="/v1/customers", tags=["customers"])


@router.get("/{id}/timeline", summary="What happened, and why", responses=responses(404, 422))
def timeline(id: CustomerId, session: Reading, key: Support, page: ThePage) -> Page[TimelineEntry]:
    """Events and decisions, the newest first."""
    customer = customer_view.customer(session, id)
    entries, cursor = customer_view.timeline(session, customer.id, page.cursor, page.limit)
    return Page(items=[TimelineEntry(**entry) for entry in entries], cursor=cursor)


@router.get("/{id}/why", summary="Why did they (not) get that mail?", responses=responses(404, 422))
def why(
    id: CustomerId,
    session: Reading,
    now: Now,
    key: Support,
    journey: Annotated[str | None, Query(max_length=63, description="a journey's key")] = None,
    step: Annotated[str | None, Query(max_length=300, description="a step's id, or a template's key")] = None,
    message: Annotated[str | None, Query(max_length=64, description="a message's id; then nothing else")] = None,
) -> WhyOut:
    """An answer in a sentence, with every decision behind it.

    The guards and the values they saw, the policy that spoke, when it is tried next. Of a journey that the customer
    never entered it says which guard kept them out. Where several customers have the address, `profiles` has an answer
    about each.
    """
    whose = customer_view.profiles(session, id)
    if message is not None:
        whose = [customer_view.owner(session, whose, message)]
    answers = [why_answers.why(session, one, journey, step, message, now) for one in whose]
    profiles = [_of(*one) for one in zip(whose, answers, strict=True)]
    return _told(answers[0], profiles, experienced_versions.of(session, answers[0].decisions))


def _of(customer: Customer, why: Why) -> WhyOfProfile:
    return WhyOfProfile(id=customer.id, external_id=customer.external_id, answer=why.answer)


def _told(why: Why, profiles: list[WhyOfProfile], made: Mapping[str, int]) -> WhyOut:
    return WhyOut(
        profiles=profiles,
        answer=why.answer,
        entered=why.entered,
        reason=why.reason,
        meaning=why.meaning,
        next_at=why.next_at,
        enrollment=EnrollmentOut.model_validate(why.enrollment) if why.enrollment else None,
        message=MessageOut.model_validate(why.message) if why.message else None,
        hook=HookOut.model_validate(why.hook) if why.hook else None,
        triggers=[TriggerNow(**one) for one in why.triggers],
        decisions=[TimelineEntry(**customer_view.shown(one, made.get(one.id))) for one in why.decisions],
    )
