"""Customers: who they are, what they did, what they said about mail, and the segments they are in."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.types import TextByCodePoint
from store.types import instant_column as _at
from store.types import json_column as _json


class Customer(SQLModel, table=True):
    """A person. `events` holds per event name the aggregate that guards read; `seq` counts their events.

    `purchases` is what they bought (`value.purchases`), folded from their order events; `source` is their first
    and their last touch (`journeys.facts.touches`).

    `email` is their address in its normal form (`store.addresses`): several customers may have one inbox.
    """

    __table_args__ = (Index("ix_customer_email", "email", "id"),)

    id: str = Field(primary_key=True)
    external_id: str | None = Field(default=None, unique=True, sa_type=TextByCodePoint)
    anonymous_id: str | None = Field(default=None, unique=True)
    email: str | None = Field(default=None, sa_type=TextByCodePoint)
    timezone: str | None = None
    attributes: dict[str, Any] = _json(default_factory=lambda: {})
    events: dict[str, Any] = _json(default_factory=lambda: {})
    purchases: dict[str, Any] = _json(default_factory=lambda: {})
    source: dict[str, Any] = _json(default_factory=lambda: {})
    segments: list[str] = _json(default_factory=lambda: [])
    seq: int = 0
    created_at: datetime = _at()
    updated_at: datetime = _at()


class CustomerWord(SQLModel, table=True):
    """A word by which a customer is found: the end of one of their names, or of their address, from some letter on.

    It goes with its customer. `email` is the address that they have, empty where there is none: whoever is found is
    put in the order of the addresses by the index alone.
    """

    __tablename__: ClassVar[Any] = "customer_word"
    __table_args__ = (Index("ix_customer_word_customer_id", "customer_id"),)

    word: str = Field(primary_key=True, sa_type=TextByCodePoint)
    email: str = Field(default="", primary_key=True, sa_type=TextByCodePoint)
    customer_id: str = Field(primary_key=True, foreign_key="customer.id", ondelete="CASCADE")


class Alias(SQLModel, table=True):
    """Another id that a customer has: an anonymous one (`anonymous`), or the one a merged profile had (`user`)."""

    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customer.id", index=True)


class Tombstone(SQLModel, table=True):
    """What is left of an erased customer: digests of their ids, so that a late event does not bring them back."""

    digest: str = Field(primary_key=True)
    at: datetime = _at()


class Event(SQLModel, table=True):
    """Something a customer did. `message_id` is the client's deduplication key; one that does not fire only counts.

    `said_at` is the instant that the sender gave, where its clock was off and `at` is another. The database itself says
    `export_position` at each change (`store.queries.listing.exports`).
    """

    __table_args__ = (
        UniqueConstraint("customer_id", "seq"),
        Index("ix_event_name", "customer_id", "name", "seq"),
        Index("ix_event_timeline", "customer_id", "at", "seq"),
        Index("ix_event_happened", "name", "at", "customer_id"),
        Index("ix_event_export", "export_position", "id"),
    )

    id: str = Field(primary_key=True)
    message_id: str = Field(unique=True)
    customer_id: str = Field(foreign_key="customer.id")
    seq: int
    type: str
    name: str
    properties: dict[str, Any] = _json(default_factory=lambda: {})
    fires: bool = True
    at: datetime = _at()
    received_at: datetime = _at()
    said_at: datetime | None = _at(default=None)
    export_position: int = Field(default=0, sa_type=BigInteger)


class SeenEventName(SQLModel, table=True):
    """A name that an event has had, so that a misspelt one is found."""

    __tablename__: ClassVar[Any] = "event_name"

    name: str = Field(primary_key=True)
    first_seen_at: datetime = _at()


class Consent(SQLModel, table=True):
    """What a customer said about a topic; where there is no row, the topic's default holds.

    `pending`: they said yes, and whoever reads their inbox has not confirmed it. `evidence` is what they agreed to:
    the text, its version, how, and from where.
    """

    customer_id: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    granted: bool
    source: str
    at: datetime = _at()
    pending: bool = False
    evidence: dict[str, Any] | None = _json(default=None)


class AddressConsent(SQLModel, table=True):
    """What was said last about a topic at an address (in its normal form), beside what its customers said.

    A *no* here binds every profile with this address; `customer_id` is whose word it was.
    """

    __tablename__: ClassVar[Any] = "address_consent"

    email: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    granted: bool
    source: str
    at: datetime = _at()


class Suppression(SQLModel, table=True):
    """An address that is never written to."""

    __table_args__ = (Index("ix_suppression_reason", "reason", "email"),)

    email: str = Field(primary_key=True)
    reason: str
    source: str
    created_at: datetime = _at()


class Segment(SQLModel, table=True):
    """A named guard over the customer. Members are kept as customers change, and by the clock where it reads `now`."""

    key: str = Field(primary_key=True)
    name: str | None = None
    guard: str
    created_at: datetime = _at()
    updated_at: datetime = _at()
    evaluated_at: datetime | None = _at(default=None)


class SegmentMember(SQLModel, table=True):
    """A customer who is in a segment now."""

    __tablename__: ClassVar[Any] = "segment_member"

    segment: str = Field(primary_key=True)
    customer_id: str = Field(primary_key=True, index=True)
    since: datetime = _at()


class DateDue(SQLModel, table=True):
    """When a date of a customer lets them into a journey; gone when it has."""

    __tablename__: ClassVar[Any] = "date_due"
    __table_args__ = (Index("ix_date_due_at", "at", "journey", "trigger", "customer_id"),)

    journey: str = Field(primary_key=True)
    trigger: str = Field(primary_key=True)
    customer_id: str = Field(primary_key=True, index=True)
    at: datetime = _at()


class Backfill(SQLModel, table=True):
    """Work over all customers, and the last customer who was done."""

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    cursor: str = ""
    started_at: datetime = _at()
