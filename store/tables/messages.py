"""The sending ledger, who delivers it, and the local mail catcher's inbox."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from store.statuses import MessageStatus, enforce_transitions, status_column
from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import partial_index as where


class Message(SQLModel, table=True):
    """The sending ledger: one mail to one customer. Its id is the `send_id`, made of enrollment, step and visit.

    A mail of a broadcast has neither journey nor step, and its id is made of broadcast and customer; one that asks to
    confirm a subscription has neither. `email` is the address that it goes to, in its normal form: the one that was
    planned with it, and what is reported about it concerns that one. `template_pin` is the version of the template that
    it is made of, 0 where that is a file, None where it is the newest. `variant` is that of the broadcast, or
    `split/variant` of a journey; `source` the channel by which the customer had come when it was planned. What it said
    is a `MessageBody`, so that nobody who lists, claims or counts carries it along.
    """

    __table_args__ = (
        # what a lane asks: only the few rows that wait, or are on their way, are in these
        where("ix_message_due", "lane", "not_before", of="status = 'planned'"),
        where("ix_message_turn", "lane", "journey", "not_before", "id", of="status = 'planned'"),
        where("ix_message_broadcast_turn", "broadcast", "not_before", "id", of="status = 'planned'"),
        where("ix_message_held", "lane", "id", of="status IN ('claimed', 'sending')"),
        where("ix_message_unknown", "lane", "id", of="status = 'unknown'"),
        # what the list asks: each filter, in the order of the list
        Index("ix_message_planned", "planned_at", "id"),
        Index("ix_message_customer", "customer_id", "planned_at", "id"),
        Index("ix_message_journey", "journey", "planned_at", "id"),
        Index("ix_message_journey_status", "journey", "status", "planned_at", "id"),
        where("ix_message_broadcast", "broadcast", "planned_at", "id", of="broadcast IS NOT NULL"),
        where("ix_message_broadcast_status", "broadcast", "status", "planned_at", "id", of="broadcast IS NOT NULL"),
        Index("ix_message_step", "step", "planned_at", "id"),
        Index("ix_message_step_status", "step", "status", "planned_at", "id"),
        Index("ix_message_template", "template", "planned_at", "id"),
        Index("ix_message_template_status", "template", "status", "planned_at", "id"),
        Index("ix_message_status", "status", "planned_at", "id"),
        Index("ix_message_enrollment", "enrollment_id", "stage"),
        # what an inbox has had, whoever it was written to
        Index("ix_message_email", "email"),
        Index("ix_message_export", "export_position", "id"),
    )

    id: str = Field(primary_key=True)
    enrollment_id: str | None = None
    customer_id: str
    email: str | None = None
    journey: str = ""
    digest: str = ""
    stage: str = ""
    step: str = ""
    visit: int = 0
    broadcast: str | None = None
    trace: str | None = None
    variant: str | None = None
    source: str | None = None
    template: str
    template_pin: int | None = None
    template_version: int | None = None
    topic: str
    lane: str
    status: MessageStatus = status_column(MessageStatus)
    reason: str | None = None
    due: datetime = _at()
    not_before: datetime | None = _at(default=None)
    planned_at: datetime = _at()
    updated_at: datetime = _at()
    attempt: int = 0
    fence: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    accepted_at: datetime | None = _at(default=None)
    delivery: str | None = None
    locale: str | None = None
    export_position: int = Field(default=0, sa_type=BigInteger)


enforce_transitions(Message)


class MessageBody(SQLModel, table=True):
    """The very mail that was rendered, and where its tracked links lead: `urls` by the number in the link.

    Retention lets go of what the mail said; `urls` stay, since its links are followed for years.
    """

    __tablename__: ClassVar[Any] = "message_body"
    __table_args__ = (where("ix_message_body_kept", "frozen_at", of="html IS NOT NULL"),)

    message_id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    frozen_at: datetime = _at()
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    urls: list[str] = _json(default_factory=lambda: [])


class DeliveryEvent(SQLModel, table=True):
    """What a provider reported about a mail; the id is made of mail, kind, instant and link, `name` is theirs."""

    __tablename__: ClassVar[Any] = "delivery_event"
    __table_args__ = (
        Index("ix_delivery_event_name", "provider", "name"),
        Index("ix_delivery_event_message", "message_id", "at", "id"),
    )

    id: str = Field(primary_key=True)
    message_id: str
    customer_id: str = Field(index=True)
    provider: str
    name: str | None = None
    kind: str
    at: datetime = _at()
    received_at: datetime = _at()
    url: str | None = None
    reason: str | None = None
    machine: bool = False


class Engagement(SQLModel, table=True):
    """How often a mail's picture was loaded (`opened`), or its links were followed (`clicked`): by people and machines.

    The events of it are reports, of which the first within an hour is kept; here the others are counted, too.
    """

    message_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    count: int
    first_at: datetime = _at()
    last_at: datetime = _at()


class PendingClick(SQLModel, table=True):
    """A click that may be a scanner's: it is judged with its neighbours when some seconds have passed."""

    __tablename__: ClassVar[Any] = "pending_click"
    __table_args__ = (Index("ix_pending_click_at", "at", "id"),)

    id: str = Field(primary_key=True)
    message_id: str = Field(index=True)
    customer_id: str = Field(index=True)
    at: datetime = _at()
    url: str
    machine: bool = False


class Lane(SQLModel, table=True):
    """Who delivers a lane now: each takeover gets a new fence, so that a zombie is told from the owner."""

    name: str = Field(primary_key=True)
    fence: str
    taken_at: datetime = _at()


class Channel(SQLModel, table=True):
    """A way out of the house, as all lanes share it: closed until an instant where the provider refuses or fails."""

    name: str = Field(primary_key=True)
    closed_until: datetime | None = _at(default=None)
    failures: int = 0
    alarm: str | None = None
    updated_at: datetime = _at()


class Hold(SQLModel, table=True):
    """While its one row is there, no lane claims anything: no mail, no webhook and no note leaves the house."""

    id: int = Field(primary_key=True)
    since: datetime = _at()
    by: str
    reason: str


class Restore(SQLModel, table=True):
    """A copy of the database was put in its place: what may have gone between the two instants no row here knows."""

    id: str = Field(primary_key=True)
    taken_at: datetime = _at()
    restored_at: datetime = _at(index=True)


class Bucket(SQLModel, table=True):
    """A token bucket: what a rate still allows. One for the channel, one for each broadcast that has a rate."""

    name: str = Field(primary_key=True)
    tokens: float
    at: datetime = _at()


class OutboxMail(SQLModel, table=True):
    """A mail that the local outbox caught. Nothing here is unique by send_id: the outbox counts what it receives."""

    __tablename__: ClassVar[Any] = "outbox_mail"

    id: str = Field(primary_key=True)
    send_id: str = Field(index=True)
    received_at: datetime = _at()
    to_address: str
    from_address: str
    subject: str
    headers: dict[str, Any] = _json(default_factory=lambda: {})
    html: str
    text: str
