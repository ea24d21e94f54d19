"""Ingestion: a batch of messages, each checked, kept once, and put to the customer it is about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.customers import profiles
from services.enrollments.customer_events import Happenings, Rules, What
from services.ingestion import segment_api
from services.ingestion.identities import People
from services.ingestion.segment_api import Tracked
from services.values import Rejected
from store.ids import new_id
from store.queries import customers
from store.tables.access import Rejection
from store.tables.customers import Customer


@dataclass(slots=True)
class Outcome:
    """What became of a batch: accepted, repeats (known by messageId), and rejections by index."""

    accepted: int = 0
    repeated: int = 0
    rejected: list[tuple[int, Rejected]] = field(default_factory=list[tuple[int, Rejected]])
    enrolled: list[str] = field(default_factory=list[str])


def ingest(
    session: Session, items: Iterable[Any], now: datetime, sent_at: Any = None, *, strict: bool = False
) -> Outcome:
    """Take a batch in. A message that is wrong is kept in the rejection log and does not stop the others.

    `strict` says that the batch was strictly JSON (`tracking.parsed`).
    """
    outcome = Outcome()
    happenings = Happenings(session, Rules.load(session), now)
    people = People(session, now, happenings.flush)
    messages: list[tuple[int, Any, Tracked]] = []
    for index, item in enumerate(items):
        try:
            messages.append((index, item, segment_api.read(item, now, sent_at, strict=strict)))
        except Rejected as rejected:
            _reject(session, outcome, index, item, rejected, now)
    people.gather(message for _, _, message in messages)
    known = customers.known_message_ids(session, [one.message_id for _, _, one in messages if one.message_id])
    for index, item, message in messages:
        if message.message_id is not None and message.message_id in known:
            outcome.repeated += 1
            continue
        try:
            outcome.enrolled += _take(people, happenings, message, now)
        except Rejected as rejected:
            _reject(session, outcome, index, item, rejected, now)
            continue
        known.add(message.message_id or "")
        outcome.accepted += 1
    happenings.flush()
    return outcome


def take(session: Session, message: Tracked, rules: Rules, now: datetime) -> list[str]:
    """Take one new message in; return the ids of the enrollments it started."""
    happenings = Happenings(session, rules, now)
    enrolled = _take(People(session, now, happenings.flush), happenings, message, now)
    happenings.flush()
    return enrolled


def _take(people: People, happenings: Happenings, message: Tracked, now: datetime) -> list[str]:
    customer, merged = people.resolve(message)
    take_traits(customer, message, now)
    properties = message.properties if message.type != "identify" else message.traits
    what = What(
        type=message.type, name=message.name, properties=properties, at=message.at, message_id=message.message_id
    )
    enrolled = happenings.happen(customer, what, people.waits(customer, message.name))
    return enrolled + (happenings.look_again(customer) if merged else [])


def take_traits(customer: Customer, message: Tracked, now: datetime) -> None:
    """What an identify or group call says about the customer."""
    if message.type == "identify":
        profiles.take_traits(customer, message.traits, now)
    elif message.type == "group":
        profiles.take_group(customer, message.properties.get("groupId"), message.traits, now)


def _reject(session: Session, outcome: Outcome, index: int, item: Any, rejected: Rejected, now: datetime) -> None:
    outcome.rejected.append((index, rejected))
    _keep(session, item, rejected, now)


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
