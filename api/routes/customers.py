"""Customers: who they are, where they are, what was sent to them, and everything that is kept."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Admin, Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.edge.shown_operations import operation_out
from api.errors import ApiError, responses
from api.schemas.base import Page
from api.schemas.customers import CustomerIn, CustomerOut, CustomerStatus
from api.schemas.messages import MessageOut
from api.schemas.operations import OperationOut
from mail import signed_links
from services import values
from services.customers import data_export
from services.customers.attributes import profiles
from services.enrollments.entering.customer_events import Listeners
from services.ingestion import ingest, segment_api
from services.operations import operations
from services.reports.customer import customer_view
from store.queries.identity import customers, tombstones
from store.queries.listing import lists
from store.tables.customers import Customer

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=IdempotentRoute)

CustomerId = Annotated[str, Path(description="your id of the customer, or the email address", max_length=320)]


@router.put("/{id}", summary="Create or change a customer", responses=responses(409, 412, 422))
def put(
    id: CustomerId,
    body: CustomerIn,
    session: Writing,
    now: Now,
    key: Marketer,
    tags: TheTags,
    trail: TheTrail,
    again: bool = False,
) -> CustomerOut:
    """Merge attributes into the customer with your id `id`, who is created where missing; null removes an attribute.

    It is an identify event like any other, so journeys and segments hear of it. Somebody who was erased comes back only
    with `again=true`.
    """
    values.check_values({"attributes": body.attributes})
    profiles.check_address(body.attributes.get("email"), "attributes.email")
    external_id = segment_api.identifier(id)
    name = (tombstones.USER, external_id)
    if tombstones.buried(session, [name]) and not (again and tombstones.lift(session, [name])):
        raise ApiError("erased", "this customer was erased; `again=true` brings them back on purpose")
    present = customers.by_user(session, external_id)
    tags.check(_shown(present) if present else None)
    message = {"type": "identify", "userId": external_id, "traits": body.attributes}
    ingest.take(session, segment_api.read(message, now), Listeners.load(session), now)
    customer = customers.by_user(session, external_id)
    assert customer is not None
    trail.names("changed" if present else "created", "customer", customer.id, body.attributes)
    return tags.tagged(_shown(customer))


@router.get("", summary="Find customers", responses=responses(422))
def find(
    session: Reading,
    key: Support,
    page: ThePage,
    query: str | None = None,
    stage: str | None = None,
    segment: str | None = None,
    sort: Literal["created", "-created", "email", "-email"] = "created",
) -> Page[CustomerOut]:
    """Customers in whose address and names `query` stands, or whose id starts with it; in this stage, in this segment.

    Of several words each must be there. Small and capital letters and accents are alike. Names are the attributes
    `name`, `first_name` and `last_name`. Of the domain of an address it is what a label begins with.
    """
    rows, cursor = lists.customers(
        session, page.slice(sort), query_text=query, stage=stage, segment=segment, sort=sort.removeprefix("-")
    )
    return Page(items=[_shown(row) for row in rows], cursor=cursor)


@router.get("/{id}", summary="Where a customer is", responses=responses(404))
def get(id: CustomerId, session: Reading, key: Support, response: Response) -> CustomerStatus:
    """The profile, the lifecycle stage, and every enrollment with its step and its next action.

    Where several customers have the address that is asked for, `profiles` has them all.
    """
    standing = customer_view.standing(session, id)
    response.headers["ETag"] = etags.of(_shown(standing.customer))
    return CustomerStatus.of(standing)


@router.delete("/{id}", status_code=202, summary="Erase a customer", responses=responses(404))
def erase(id: CustomerId, session: Writing, now: Now, key: Admin, trail: TheTrail) -> OperationOut:
    """The person leaves every table and their workflows end; counts stay.

    A tombstone keeps late events from bringing them back. The answer is the operation that does it.
    """
    customer = customer_view.customer(session, id)
    operation = operations.start(session, "erase", {"customer": customer.id}, now, by=key.id)
    trail.note("erased", "customer", customer.id)
    return operation_out(operation, now)


@router.get("/{id}/messages", summary="Every message to a customer", responses=responses(404, 422))
def messages(
    id: CustomerId,
    session: Reading,
    key: Support,
    page: ThePage,
    sort: Literal["planned", "-planned"] = "-planned",
) -> Page[MessageOut]:
    """The newest first, each with its status and the reason for it."""
    customer = customer_view.customer(session, id)
    rows, cursor = lists.messages(session, page.slice(sort), customer_id=customer.id)
    return Page(items=[MessageOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{id}/export", summary="Everything kept about a customer", responses=responses(404))
def export(id: CustomerId, session: Reading, key: Admin) -> dict[str, Any]:
    """Rows by table: the profile, events, enrollments, decisions, mails with their bodies, consents and the rest."""
    return _blanked(data_export.export(session, customer_view.customer(session, id)))


def _blanked(value: Any) -> Any:
    """What is exported, with the signed links in it made useless."""
    if isinstance(value, str):
        return signed_links.blanked(value)
    if isinstance(value, dict):
        return {name: _blanked(inner) for name, inner in value.items()}
    return [_blanked(inner) for inner in value] if isinstance(value, list) else value


def _shown(customer: Customer) -> CustomerOut:
    return CustomerOut.model_validate(customer)
