"""Consents: what a customer said about topics."""

from fastapi import APIRouter

from api.deps.audit_trail import TheTrail
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.errors import responses
from api.routes.customers import CustomerId
from api.schemas.consents import ConsentIn, ConsentOut
from services.feedback.answers import consents
from services.reports.customer import customer_view
from store.queries.consent import consents as consent_rows

router = APIRouter(prefix="/v1/customers", tags=["customers"])


@router.get("/{id}/consent", summary="What a customer said about topics", responses=responses(404))
def consent(id: CustomerId, session: Reading, key: Support) -> list[ConsentOut]:
    """Where there is no statement, the topic's terms hold: `opt_out` sends, `opt_in` does not."""
    customer = customer_view.customer(session, id)
    return [ConsentOut.model_validate(one) for one in consent_rows.of_customer(session, customer.id)]


@router.put("/{id}/consent/{topic}", summary="Say what a customer said", responses=responses(404, 409, 422))
def put_consent(
    id: CustomerId,
    topic: str,
    body: ConsentIn,
    session: Writing,
    now: Now,
    key: Marketer,
    trail: TheTrail,
) -> list[ConsentOut]:
    """Consent to a topic, or its withdrawal; `*` is every topic. Withdrawn from `*`, no topic is left.

    Where the topic asks for double opt-in, a yes is `pending`, a mail asks, and the link in it confirms.
    """
    customer = customer_view.customer(session, id)
    evidence = body.evidence.model_dump(exclude_none=True) if body.evidence else None
    if consents.record(
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
    return [ConsentOut.model_validate(one) for one in consent_rows.of_customer(session, customer.id)]
