"""How a customer stands as to mail: what the policies need to know before a mail may go.

Under a cap, mail that is planned and not claimed counts as sent where it is of the same or a higher priority; mail of a
lower priority gives way (skipped: `frequency_cap`). The customer's lock is held, so two journeys cannot both take the
last place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from journeys import calendar
from journeys.calendar import Window
from journeys.policy import EVERY_TOPIC, Cap, House, Recipient
from services import house, journeys, profiles
from services.house import HouseSettings
from store import customers
from store.tables import Customer, Message, Topic

TRANSACTIONAL = "transactional"
COUNTED = ("sending", "accepted", "unknown", "parked")
"""The states of a mail that a customer has had, or may have had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Mail to the same customer that is planned and not claimed."""

    message: str
    topic: str
    priority: int


def recipient(session: Session, customer: Customer | None, topic: str, settings: HouseSettings) -> Recipient:
    """The customer as the policies see them."""
    if customer is None or customer.email is None:
        return Recipient(email=None)
    return Recipient(
        email=customer.email,
        valid=profiles.writable(customer.email),
        timezone=customer.timezone,
        suppressed=customers.suppressed(session, customer.email),
        sandboxed=house.sandboxed(settings, customer.email),
        consent=customers.consent(session, customer.id, topic),
    )


def terms(
    session: Session,
    settings: HouseSettings,
    customer_id: str,
    topic: str,
    now: datetime,
    ahead: Sequence[Rival] = (),
) -> House:
    """What the house asks of a mail of this topic to this customer; what is `ahead` counts as sent now."""
    row, quiet = session.get(Topic, topic), settings.quiet_hours
    return House(
        opt_in=row is not None and row.consent == "opt_in",
        transactional=row is not None and row.transactional,
        awake=Window(opens=calendar.parse_time(quiet.to), closes=calendar.parse_time(quiet.begin)) if quiet else None,
        caps=tuple(
            Cap(
                of=of,
                most=most,
                per=per,
                sent=(*sent(session, customer_id, of, now - per), *(now for one in ahead if _counts(of, one))),
            )
            for of, most, per in _caps(row, settings)
        ),
        timezone=settings.timezone,
    )


def capped(session: Session, settings: HouseSettings, topic: str) -> bool:
    """Whether mail of this topic stands under a cap at all."""
    return bool(_caps(session.get(Topic, topic), settings))


def _caps(row: Topic | None, settings: HouseSettings) -> list[tuple[str, int, timedelta]]:
    """Each cap with what it counts: a topic's mail, or all."""
    found: list[tuple[str, int, timedelta]] = []
    if settings.cap is not None:
        found.append((EVERY_TOPIC, settings.cap.max, calendar.parse_span(settings.cap.per).elapsed))
    if row is not None and row.cap_max is not None and row.cap_seconds is not None:
        found.append((row.key, row.cap_max, timedelta(seconds=row.cap_seconds)))
    return found


def sent(session: Session, customer_id: str, topic: str, since: datetime) -> tuple[datetime, ...]:
    """When mail that counts went to a customer, of one topic or of all."""
    query = select(Message).where(
        Message.customer_id == customer_id,
        Message.lane != TRANSACTIONAL,
        col(Message.status).in_(COUNTED),
        col(Message.updated_at) > since,
    )
    rows = session.exec(query if topic == EVERY_TOPIC else query.where(Message.topic == topic)).all()
    return tuple(at for at in (one.accepted_at or one.updated_at for one in rows) if at > since)


def rivals(session: Session, customer_id: str, but: str) -> list[Rival]:
    """Planned mail to the customer beside this one, the highest priority first."""
    query = select(Message).where(
        Message.customer_id == customer_id,
        Message.lane != TRANSACTIONAL,
        Message.status == "planned",
        Message.id != but,
    )
    found = [
        Rival(message=one.id, topic=one.topic, priority=journeys.compiled(session, one.digest).priority)
        for one in session.exec(query.where(Message.id != but).order_by(col(Message.planned_at))).all()
    ]
    return sorted(found, key=lambda one: -one.priority)


def displaced(house: House, lower: Sequence[Rival]) -> list[Rival]:
    """Those of a lower priority for whom there is no room once this mail has its place."""
    gone: dict[str, Rival] = {}
    for cap in house.caps:
        counted = [one for one in lower if _counts(cap.of, one)]
        room = max(0, cap.most - len(cap.sent) - 1)
        gone |= {one.message: one for one in counted[room:]}
    return list(gone.values())


def _counts(of: str, rival: Rival) -> bool:
    return of in (EVERY_TOPIC, rival.topic)
