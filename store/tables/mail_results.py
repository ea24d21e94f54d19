"""What mails brought, kept by kind of mail and day; each count is a sum over shards."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.types import partial_index


class MailKind(SQLModel, table=True):
    """Mails that are alike in all of this; what a mail has not is the empty text. The id is made of the others."""

    __tablename__: ClassVar[Any] = "mail_kind"

    id: str = Field(primary_key=True)
    journey: str
    stage: str
    step: str
    broadcast: str
    template: str
    variant: str
    locale: str
    source: str = ""


class MailResult(SQLModel, table=True):
    """How often something came of the mails of a kind that a provider accepted on a day, or what it was worth.

    `what` is one of `store.queries.figures.mail_results`; `currency` is that of amounts, which are in its smallest
    units. The day is the installation's (`2026-03-02`); its month (`2026-03`) and the empty day hold it too. The empty
    kind counts orders by their own day. `gone` is the part of customers who were erased. Closed days are folded into
    shard 0.
    """

    __tablename__: ClassVar[Any] = "mail_result"
    __table_args__ = (
        partial_index("ix_mail_result_open", "day", of="shard > 0"),
        partial_index("ix_mail_result_money", "day", of="currency <> ''"),
    )

    day: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = Field(default=0, sa_type=BigInteger)
    gone: int = Field(default=0, sa_type=BigInteger)
