"""Customers: who they are, where they are, and why."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas
from api.deps import Marketer, Now, Reading, Support, Writing
from api.errors import responses
from services import ingest, reports, telling, tracking
from services.happening import Rules

router = APIRouter(prefix="/v1/customers", tags=["customers"])

CustomerId = Annotated[str, Path(description="your id of the customer, or the email address", max_length=320)]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.put("/{id}", summary="Create or change a customer", responses=responses(422))
def put(id: CustomerId, body: schemas.CustomerIn, session: Writing, now: Now, key: Marketer) -> schemas.CustomerOut:
    """Merge attributes into the customer with your id `id`, who is created where missing."""
    tracking.check_values({"attributes": body.attributes})
    message = {"type": "identify", "userId": tracking.identifier(id), "traits": body.attributes}
    ingest.take(session, tracking.read(message, now), Rules.load(session), now)
    customer = telling.customer(session, id)
    return schemas.CustomerOut.model_validate(customer)


@router.get("", summary="Find customers", responses=responses())
def find(
    session: Reading,
    key: Support,
    query: str | None = None,
    stage: str | None = None,
    segment: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> schemas.Page[schemas.CustomerOut]:
    """Customers whose address or id starts with `query`, who are in this stage of the lifecycle, in this segment."""
    rows = telling.customers_page(session, query_text=query, stage=stage, segment=segment, after=cursor, limit=limit)
    items = [schemas.CustomerOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=rows[-1].id if len(rows) == limit else None)


@router.get("/{id}", summary="Where a customer is", responses=responses(404))
def get(id: CustomerId, session: Reading, key: Support) -> schemas.CustomerStatus:
    """The profile, the lifecycle stage, and every enrollment with its step and its next action."""
    customer = telling.customer(session, id)
    enrollments = telling.enrollments_of(session, customer.id)
    return schemas.CustomerStatus(
        customer=schemas.CustomerOut.model_validate(customer),
        lifecycle_stage=telling.lifecycle_stage(session, customer.id, reports.lifecycle_journeys(session)),
        enrollments=[schemas.EnrollmentOut.model_validate(one) for one in enrollments],
    )


@router.get("/{id}/timeline", summary="What happened, and why", responses=responses(404))
def timeline(id: CustomerId, session: Reading, key: Support, limit: Limit = 100) -> list[schemas.TimelineEntry]:
    """Events, decisions and mails, the newest first."""
    customer = telling.customer(session, id)
    return [schemas.TimelineEntry(**entry) for entry in telling.timeline(session, customer.id, limit)]


@router.get("/{id}/messages", summary="Every mail to a customer", responses=responses(404))
def messages(
    id: CustomerId, session: Reading, key: Support, cursor: str | None = None, limit: Limit = 50
) -> schemas.Page[schemas.MessageOut]:
    """The newest first, each with its status and the reason for it."""
    customer = telling.customer(session, id)
    rows = telling.messages(session, customer_id=customer.id, before=cursor, limit=limit)
    items = [schemas.MessageOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=telling.message_cursor(rows[-1]) if len(rows) == limit else None)
