"""What stands behind a mail of the ledger: the step of a journey, a broadcast, or the question to confirm."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from journeys.program.nodes import NodeId, SendNode
from journeys.program.send_terms import SendTerms
from services.definitions.broadcast_definition import BroadcastIn
from services.definitions.journey_versions import journeys
from store.tables.broadcasts import Broadcast
from store.tables.messages import Message

CONFIRMING = "confirm_subscription"
"""The template that asks whether a subscription was meant; it is transactional mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who wants a mail to go, and how: the campaign's key, a subject instead of the template's, a priority (1 to 5)."""

    campaign: str
    terms: SendTerms
    subject: str | None = None
    priority: int = 5


_CONFIRMING = Origin(campaign=CONFIRMING, terms=SendTerms(transactional=True, expires=timedelta(days=2)))


def of(session: Session, message: Message) -> Origin:
    """Who wants this mail to go, and on what terms."""
    if message.broadcast is not None:
        return _of_broadcast(session, message)
    if not message.digest:
        return _CONFIRMING
    program = journeys.compiled(session, message.digest)
    send = program.nodes[NodeId(message.step)]
    assert isinstance(send, SendNode)
    return Origin(campaign=program.journey, terms=send.terms, subject=send.subject, priority=program.priority)


def _of_broadcast(session: Session, message: Message) -> Origin:
    row = session.get(Broadcast, message.broadcast)
    assert row is not None
    body = BroadcastIn.model_validate(row.body)
    variant = body.variants.get(message.variant or "")
    subject = variant.subject if variant else body.subject
    return Origin(campaign=row.key, terms=body.terms(), subject=subject, priority=body.priority)
