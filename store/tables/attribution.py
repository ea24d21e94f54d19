"""What mails brought: every order with the mails that are credited with it, and what is counted once of a mail."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json


class CreditedOrder(SQLModel, table=True):
    """An order that came while customers were mailed, by its id or the number of its event (`value.purchases`).

    `told` is what its events have said until now. `worth` is what it is worth by that, in the smallest units of its
    currency; None while nobody could read an amount, or only what takes it back has come.
    """

    __tablename__: ClassVar[Any] = "credited_order"

    customer_id: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)
    at: datetime | None = _at(default=None)
    currency: str
    worth: int | None = Field(default=None, sa_type=BigInteger)
    told: dict[str, Any] = _json(default_factory=lambda: {})


class MailCredit(SQLModel, table=True):
    """What a mail is credited with of an order, by each model, in the smallest units of the order's currency.

    `kind` and `accepted_at` are the mail's, as `mail_result` counts it.
    """

    __tablename__: ClassVar[Any] = "mail_credit"

    customer_id: str = Field(primary_key=True)
    order_key: str = Field(primary_key=True)
    message_id: str = Field(primary_key=True)
    kind: str
    accepted_at: datetime = _at()
    currency: str
    last: int = Field(default=0, sa_type=BigInteger)
    first: int = Field(default=0, sa_type=BigInteger)
    linear: int = Field(default=0, sa_type=BigInteger)


class MailOutcome(SQLModel, table=True):
    """What came of a mail that is counted once of it: how often it led to a goal, to an order, to leaving a topic."""

    __tablename__: ClassVar[Any] = "mail_outcome"

    message_id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    goals: int = 0
    orders: int = 0
    unsubscribed: int = 0
