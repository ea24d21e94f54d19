"""What is known of a customer: attributes, and per event name an aggregate that a guard reads in one look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from journeys.facts import touches
from readers import numbers, zones
from value import customer_value, orders
from value.customer_value import KeptPurchases
from value.orders import AMOUNTS
from value.purchases import NONE
from value.value_model import NO_FIT, ValueModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """All events of one name: how many, when first and last (UTC), and the sum of their amounts."""

    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    sum: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As a customer's row keeps it: instants in ISO 8601."""
        return {
            "count": self.count,
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "sum": self.sum,
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Aggregate":
        """What `as_json` has written; raise KeyError for anything else."""
        first, last = stored["first_at"], stored["last_at"]
        return Aggregate(
            count=stored["count"],
            first_at=datetime.fromisoformat(first) if first else None,
            last_at=datetime.fromisoformat(last) if last else None,
            sum=stored["sum"],
        )


NOTHING = Aggregate()
"""Of an event that never came."""


def fold(known: Aggregate, at: datetime, amount: float) -> Aggregate:
    """`known` with one more event, whatever the order in which events come."""
    return Aggregate(
        count=known.count + 1,
        first_at=min(known.first_at or at, at),
        last_at=max(known.last_at or at, at),
        sum=round(known.sum + amount, 6),
    )


def fold_json(stored: Mapping[str, Any] | None, at: datetime, amount: float) -> dict[str, Any]:
    """`fold` on what is stored, without taking it apart: UTC instants in one form sort as text."""
    stamp = at.isoformat()
    if not stored:
        return {"count": 1, "first_at": stamp, "last_at": stamp, "sum": round(amount, 6)}
    first, last = stored["first_at"] or stamp, stored["last_at"] or stamp
    if stamp[:19] <= last[:19]:  # else it is the newest, as nearly always; within one second text does not tell
        first = min(stamp, first, key=datetime.fromisoformat)
        stamp = max(stamp, last, key=datetime.fromisoformat)
    total = round(stored["sum"] + amount, 6) if amount else stored["sum"]
    return {"count": stored["count"] + 1, "first_at": first, "last_at": stamp, "sum": total}


def combined(one: Aggregate, other: Aggregate) -> Aggregate:
    """All events of two profiles that turned out to be one person."""
    firsts = [at for at in (one.first_at, other.first_at) if at is not None]
    lasts = [at for at in (one.last_at, other.last_at) if at is not None]
    return Aggregate(
        count=one.count + other.count,
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        sum=round(one.sum + other.sum, 6),
    )


EXACT = 2.0**32
"""Amounts and sums up to here have their millionths exactly, so that what was added can be taken off again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An aggregate as it was before its later events; a part that these alone do not tell is None."""

    count: int
    first_at: datetime | None
    last_at: datetime | None
    sum: float | None


def before(known: Aggregate, later: Sequence[tuple[datetime, float]]) -> Earlier:
    """`known` without its last events, given in their order with instant and amount: what `fold` knew before them.

    The first (or last) instant cannot be told where one of these events is it, and the sum not where an amount is too
    large or too fine for EXACT.
    """
    count, instants = known.count - len(later), [at for at, _ in later]
    if not count:
        return Earlier(count=0, first_at=None, last_at=None, sum=0.0)
    return Earlier(
        count=count,
        first_at=known.first_at if known.first_at != min(instants, default=None) else None,
        last_at=known.last_at if known.last_at != max(instants, default=None) else None,
        sum=_sum_before(known.sum, [amount for _, amount in later]),
    )


def _sum_before(total: float, amounts: Sequence[float]) -> float | None:
    for one in reversed(amounts):
        if max(abs(total), abs(one)) > EXACT or round(one, 6) != one:
            return None
        total = round(total - one, 6)
    return total if abs(total) <= EXACT else None


def amount(properties: Mapping[str, Any]) -> float:
    """What an event adds to `sum`: the first number among AMOUNTS, a text that writes one included; else nothing."""
    return orders.amount_in(properties) or 0.0


LARGEST_AMOUNT = 10**15
"""What an event may be worth at most: more than anybody sells for in any currency, and so little that a sum of as many
events as there can be (a billion) is a finite number with its units exact enough to compare."""


def excessive_amount(properties: Mapping[str, Any]) -> str | None:
    """The name of the amount that is larger than LARGEST_AMOUNT, either way; None where none is."""
    for name in AMOUNTS:
        number = numbers.read(properties[name]) if name in properties else None
        if number is not None and abs(number) > LARGEST_AMOUNT:
            return name
    return None


def unreadable_amounts(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The amounts of an event that are no numbers, by name: they count as not understood, and add nothing."""
    given = {name: properties[name] for name in AMOUNTS if name in properties}
    return {name: value for name, value in given.items() if not is_blank(value) and numbers.read(value) is None}


def is_blank(value: Any) -> bool:
    """Whether a value says nothing, so that there is nothing to read: null, or a text of blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


TRAITS: Mapping[str, str] = {
    "firstName": "first_name",
    "lastName": "last_name",
    "createdAt": "created_at",
    "timeZone": "timezone",
    "zone": "timezone",
}
"""Segment's reserved traits, and the one name each has here."""


def merged(attributes: Mapping[str, Any], traits: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes after traits were taken in; null removes one."""
    after = dict(attributes)
    for name, value in traits.items():
        name = TRAITS.get(name, name)
        if value is None:
            after.pop(name, None)
        else:
            after[name] = value
    return after


def timezone_in(attributes: Mapping[str, Any]) -> str | None:
    """The IANA zone that the attributes name, however it is spelt; None where they name none."""
    return zones.read(attributes.get("timezone"))


def unreadable_timezone(traits: Mapping[str, Any]) -> Any:
    """What traits give as a zone and names none, as it was given; None where there is nothing to tell."""
    given = (value for name, value in traits.items() if TRAITS.get(name, name) == "timezone")
    return next((value for value in given if not is_blank(value) and zones.read(value) is None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """One customer as a guard may see them at one instant; `installation_zone` is the installation's own time zone.

    `purchases` is what they bought; `model` is what the last fit found; `source` is where they come from (`touches`).
    """

    attributes: Mapping[str, Any]
    aggregates: Mapping[str, Aggregate]
    timezone: str | None = None
    segments: tuple[str, ...] = ()
    installation_zone: str | None = None
    purchases: KeptPurchases = NONE
    source: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: ValueModel = NO_FIT


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """One event as a guard may see it."""

    name: str
    properties: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentFacts:
    """What a guard may see of the enrollment beside its stage: when it began (UTC), its key, the data of its entry."""

    entered_at: datetime | None
    key: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def variable(self, stage: str) -> dict[str, Any]:
        """The variable `enrollment`; where `data` has a name that is ours, ours holds."""
        return {**self.data, "key": self.key, "stage": stage, "entered_at": self.entered_at}


def context(
    known: CustomerFacts,
    event: EventFacts | None,
    enrollment: Mapping[str, Any],
    now: datetime,
    journey_zone: str | None = None,
) -> dict[str, Any]:
    """The variables of a guard, and the zones in which it reads days; `enrollment` is empty before there is one."""
    customer = {
        **known.attributes,
        "events": {name: _seen(one) for name, one in known.aggregates.items()},
        "segments": list(known.segments),
        "source": touches.seen(known.source, known.attributes),
        **customer_value.seen(known.purchases, known.model, now),
    }
    happened = {"name": event.name, "properties": event.properties, "timestamp": event.at} if event else None
    zones = (known.timezone, journey_zone, known.installation_zone)
    return {"customer": customer, "event": happened, "enrollment": enrollment, "now": now, "zones": zones}


def _seen(one: Aggregate) -> dict[str, Any]:
    return {"count": one.count, "first_at": one.first_at, "last_at": one.last_at, "sum": one.sum}
