"""The books, and what a check of everything finds."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

Recounted = Annotated[
    bool, Query(description="compare the kept counts with the rows themselves; seconds where there are millions")
]


class MessageBook(BaseModel):
    """planned = accepted + failed + skipped + waiting + unknown + parked."""

    planned: int = Field(examples=[5000])
    accepted: int = Field(examples=[4800])
    failed: dict[str, int] = Field(examples=[{"rejected": 3}])
    skipped: dict[str, int] = Field(examples=[{"unsubscribed": 190}])
    waiting: int = Field(examples=[7])
    unknown: int = Field(examples=[0])
    parked: int = Field(examples=[0])


class JourneyBook(BaseModel):
    """entered = live + ended; each difference has a name."""

    journey: str = Field(examples=["lifecycle"])
    entered: int = Field(examples=[2357])
    live: int = Field(examples=[2300])
    ended: dict[str, int] = Field(examples=[{"exited": 57}])
    erased: int = Field(description="runs of customers who were erased", examples=[0])
    dates_unknown: dict[str, int] = Field(
        description="how often a date that a step waits for could not be told, by reason",
        examples=[{"unreadable_date": 3}],
    )
    messages: MessageBook
    differences: dict[str, int] = Field(examples=[{}])


class OutboxBook(BaseModel):
    """What the local outbox received, beside what the ledger says it accepted."""

    received: int = Field(examples=[4800])
    twice: int = Field(description="mails received more than once", examples=[0])
    accepted: int = Field(examples=[4800])


class BroadcastBook(BaseModel):
    """The mails of a broadcast by what became of them."""

    broadcast: str = Field(examples=["spring"])
    messages: MessageBook
    differences: dict[str, int] = Field(examples=[{}])


class BookDifferenceOut(BaseModel):
    """Two places that should say the same, and do not: how many of a kind, where, and what is to be done."""

    kind: str = Field(examples=["enrollment_without_workflow"])
    place: str = Field(description="a journey, or a table", examples=["lifecycle"])
    count: int = Field(examples=[3])
    repaired: int = Field(examples=[0])
    examples: list[str] = Field(examples=[["enr_06h0ay4t1dthcgt67nd2berw"]])
    told: str = Field(examples=["a live enrollment whose workflow does not run, and is not on its way to Temporal"])
    repair: str | None = Field(
        description="what `POST …/repair` does about it; null where a person has to look",
        examples=["a workflow begins where the enrollment stands; its past is not run again"],
    )


class LastCheckOut(BaseModel):
    """The last check of everything that came to its end."""

    checked_at: datetime
    operation: str = Field(examples=["op_06h0ay4t1dthcgt67nd2berw"])
    differences: list[BookDifferenceOut]


class RevenueBook(BaseModel):
    """What mails are credited with, against the orders: as the last night found it, or counted anew."""

    checked_at: datetime | None = Field(default=None, description="null: just now, or never yet")
    differences: dict[str, int] = Field(examples=[{}])


class Reconciliation(BaseModel):
    """Whether the books balance."""

    balanced: bool = Field(description="nothing differs, and the last check has left nothing open")
    recounted: bool = Field(description="whether the rows were counted too, or the kept counts alone compared")
    journeys: list[JourneyBook]
    broadcasts: list[BroadcastBook]
    revenue: RevenueBook
    on_their_way: dict[str, int] = Field(
        description="what Temporal has not got yet, by kind; of each 100,000 are counted", examples=[{"start": 12}]
    )
    stuck_dispatches: dict[str, int] = Field(description="those of them that wait for a person", examples=[{}])
    stuck_hooks: dict[str, int] = Field(
        description="webhooks and notes that wait for a person, by journey and step",
        examples=[{"trial/new/webhook:crm": 2}],
    )
    overdue: int = Field(description="enrollments that should have acted more than ten minutes ago", examples=[0])
    stuck: int = Field(description="enrollments whose every wake ends in an error", examples=[0])
    unreadable_journeys: list[str] = Field(
        description="journeys whose stored text cannot be read: they let nobody in until they are published anew",
        examples=[[]],
    )
    unreadable_segments: list[str] = Field(
        description="segments whose stored guard cannot be read: everybody stays in or out until it is written anew",
        examples=[[]],
    )
    outbox: OutboxBook | None
    last_check: LastCheckOut | None = Field(description="null where there was none yet; one comes each night")
