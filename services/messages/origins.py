"""What stands behind a mail of the ledger: the step of a journey, a broadcast, or the question to confirm."""

from dataclasses import dataclass

from sqlmodel import Session

from journeys.facts import calendar
from journeys.program.program import NodeId, Send
from services.definitions import journeys
from services.definitions.broadcast_definition import BroadcastIn
from store.tables.broadcasts import Broadcast
from store.tables.messages import Message

CONFIRMING = "confirm_subscription"
"""The template that asks whether a subscription was meant; it is transactional mail."""

_CONFIRMING = Send(
    id=NodeId(""),
    template=CONFIRMING,
    subject=None,
    topic=None,
    transactional=True,
    expires=calendar.parse_span("2 days"),
    late="send",
    window=None,
    next=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """What was asked for: the send, the zone that its hours are read in, and how important it is (1 to 5)."""

    send: Send
    campaign: str
    timezone: str | None = None
    priority: int = 5


def of(session: Session, message: Message) -> Mandate:
    """Who wants this mail to go, and on what terms."""
    if message.broadcast is not None:
        return _of_broadcast(session, message)
    if not message.digest:
        return Mandate(send=_CONFIRMING, campaign=CONFIRMING)
    program = journeys.compiled(session, message.digest)
    send = program.nodes[NodeId(message.step)]
    assert isinstance(send, Send)
    return Mandate(send=send, campaign=program.journey, timezone=program.timezone, priority=program.priority)


def _of_broadcast(session: Session, message: Message) -> Mandate:
    row = session.get(Broadcast, message.broadcast)
    assert row is not None
    body = BroadcastIn.model_validate(row.body)
    variant = body.variants.get(message.variant or "")
    send = Send(
        id=NodeId(""),
        template=message.template,
        subject=variant.subject if variant else body.subject,
        topic=message.topic,
        transactional=False,
        expires=calendar.parse_span(body.expires),
        late="send",
        window=body.window(),
        next=None,
    )
    return Mandate(send=send, campaign=row.key, timezone=None, priority=body.priority)
