"""Ingestion: a batch of messages, each checked, kept once, and put to the customer it is about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services import happening, profiles, tracking
from services.happening import Rules, What
from services.tracking import Rejected, Tracked
from store import customers
from store.tables import Rejection
from store.types import new_id


@dataclass(slots=True)
class Outcome:
    """What became of a batch: accepted, repeats (known by messageId), and rejections by index."""

    accepted: int = 0
    repeated: int = 0
    rejected: list[tuple[int, Rejected]] = field(default_factory=list[tuple[int, Rejected]])
    enrolled: list[str] = field(default_factory=list[str])


def ingest(session: Session, items: Iterable[Any], now: datetime, sent_at: Any = None) -> Outcome:
    """Take a batch in. A message that is wrong is kept in the rejection log and does not stop the others."""
    outcome, rules = Outcome(), Rules.load(session)
    seen: set[str] = set()
    for index, item in enumerate(items):
        try:
            message = tracking.read(item, now, sent_at)
            repeated = message.message_id is not None and (
                message.message_id in seen or bool(customers.known_message_ids(session, [message.message_id]))
            )
            if repeated:
                outcome.repeated += 1
                continue
            seen.add(message.message_id or "")
            outcome.enrolled += take(session, message, rules, now)
            outcome.accepted += 1
        except Rejected as rejected:
            outcome.rejected.append((index, rejected))
            _keep(session, item, rejected, now)
    return outcome


def take(session: Session, message: Tracked, rules: Rules, now: datetime) -> list[str]:
    """Take one new message in; return the ids of the enrollments it started."""
    customer = profiles.resolve(session, message, now)
    if message.type in ("identify", "group"):
        profiles.take_traits(customer, message.traits, now)
    properties = dict(message.properties) if message.type != "identify" else dict(message.traits)
    return happening.happen(
        session,
        customer,
        What(type=message.type, name=message.name, properties=properties, at=message.at, message_id=message.message_id),
        rules,
        now,
    )


def _keep(session: Session, item: Any, rejected: Rejected, now: datetime) -> None:
    message_id, kind = (item.get("messageId"), item.get("type")) if isinstance(item, dict) else (None, None)
    session.add(
        Rejection(
            id=new_id("rej"),
            received_at=now,
            message_id=_printable(message_id),
            type=_printable(kind),
            path=_printable(rejected.path) or "",
            reason=_printable(rejected.reason) or "",
        )
    )


def _printable(value: Any) -> str | None:
    """Text that every database takes, whatever was sent."""
    if value is None:
        return None
    return str(value)[:300].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8", "replace")
