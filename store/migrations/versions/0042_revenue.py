"""What mails brought is kept by kind of mail and day; orders are credited to the mails before them.

Of the mails that went before it is told what the ledger and the reports know; the orders from before are credited in
the background.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
KIND = ("journey", "stage", "step", "broadcast", "template", "variant", "locale")
MESSAGE = sa.table(
    "message",
    sa.column("id", sa.String),
    sa.column("status", sa.String),
    sa.column("delivery", sa.String),
    sa.column("accepted_at", Instant),
    *(sa.column(name, sa.String) for name in KIND),
)
REPORT = sa.table(
    "delivery_event",
    sa.column("message_id", sa.String),
    sa.column("kind", sa.String),
    sa.column("machine", sa.Boolean),
)
ARRIVED = ("delivered", "opened", "clicked", "unsubscribed", "complained")
OF_KINDS = sa.table("mail_kind", *(sa.column(name, sa.String) for name in ("id", *KIND)))
KEYS = ("day", "kind", "what", "currency", "shard")
RESULT = sa.table("mail_result", *(sa.column(name) for name in (*KEYS, "count", "gone")))


def upgrade() -> None:
    op.create_table(
        "credited_order",
        sa.Column("customer_id", sa.String(), primary_key=True),
        sa.Column("order_key", sa.String(), primary_key=True),
        sa.Column("at", Instant, nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("worth", sa.BigInteger(), nullable=True),
        sa.Column("told", Json, nullable=False),
    )
    op.create_table(
        "mail_credit",
        sa.Column("customer_id", sa.String(), primary_key=True),
        sa.Column("order_key", sa.String(), primary_key=True),
        sa.Column("message_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("accepted_at", Instant, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("linear", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "mail_outcome",
        sa.Column("message_id", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("goals", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("unsubscribed", sa.Integer(), nullable=False),
    )
    op.create_index("ix_mail_outcome_customer_id", "mail_outcome", ["customer_id"])
    op.create_table(
        "mail_kind",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in KIND),
    )
    op.create_table(
        "mail_result",
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("what", sa.String(), primary_key=True),
        sa.Column("currency", sa.String(), primary_key=True),
        sa.Column("shard", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
    )
    where = sa.text("shard > 0")
    op.create_index("ix_mail_result_open", "mail_result", ["day"], sqlite_where=where, postgresql_where=where)
    _tell_of_the_past()
    _credit_the_past()


def _tell_of_the_past() -> None:
    """Read all mails that went, and all reports, once."""
    connection, zone = op.get_bind(), _zone()
    kinds: dict[tuple[str, ...], str] = {}
    found: Counter[tuple[str, str, str]] = Counter()
    for kind, accepted_at, what in (*_sent(connection), *_reported(connection)):
        name = kinds.setdefault(kind, hashlib.blake2b("\0".join(kind).encode(), digest_size=10).hexdigest())
        at = accepted_at if accepted_at.tzinfo else accepted_at.replace(tzinfo=UTC)  # SQLite keeps no zone
        day = at.astimezone(zone).date().isoformat()
        for span in (day, day[:7], ""):
            found[span, name, what] += 1
    if found:
        named = [{"id": name, **dict(zip(KIND, kind, strict=True))} for kind, name in sorted(kinds.items())]
        connection.execute(sa.insert(OF_KINDS), named)
        rows = [(day, kind, what, "", 0, count, 0) for (day, kind, what), count in sorted(found.items())]
        names = [one.name for one in RESULT.columns]
        connection.execute(sa.insert(RESULT), [dict(zip(names, row, strict=True)) for row in rows])


def _sent(connection: sa.Connection) -> Iterator[tuple[tuple[str, ...], datetime, str]]:
    went = sa.or_(MESSAGE.c.status == "accepted", MESSAGE.c.delivery.in_(ARRIVED))
    query = sa.select(MESSAGE).where(went, MESSAGE.c.accepted_at.is_not(None))
    for row in connection.execute(query.execution_options(yield_per=AT_ONCE)).mappings():
        kind = _kind(row)
        if row["status"] == "accepted":
            yield kind, row["accepted_at"], "sent"
        if row["delivery"] in ARRIVED:
            yield kind, row["accepted_at"], "delivered"
        if row["delivery"] == "complained":
            yield kind, row["accepted_at"], "complained"


def _reported(connection: sa.Connection) -> Iterator[tuple[tuple[str, ...], datetime, str]]:
    query = (
        sa.select(REPORT.c.kind.label("report"), REPORT.c.machine, *MESSAGE.c)
        .join(MESSAGE, MESSAGE.c.id == REPORT.c.message_id)
        .where(REPORT.c.kind.in_(("opened", "clicked", "unsubscribed")), MESSAGE.c.accepted_at.is_not(None))
        .order_by(REPORT.c.message_id)
    )
    rows = connection.execute(query.execution_options(yield_per=AT_ONCE)).mappings()
    for _, of_mail in groupby(rows, key=lambda row: row["id"]):
        told = list(of_mail)
        for what in sorted({what for row in told for what in _told(row["report"], row["machine"])}):
            yield _kind(told[0]), told[0]["accepted_at"], what


def _told(report: str, machine: bool) -> tuple[str, ...]:
    if report == "unsubscribed":
        return ("unsubscribed",)
    if machine:
        return ("opened_by_machines",) if report == "opened" else ()
    return ("opened",) if report == "opened" else ("opened", "clicked")


def _kind(row: Any) -> tuple[str, ...]:
    return tuple(row[name] or "" for name in KIND)


def _zone() -> ZoneInfo:
    """The zone of the installation."""
    settings = op.get_bind().execute(sa.select(sa.column("body", Json)).select_from(sa.table("setting"))).scalar()
    return ZoneInfo((settings or {}).get("timezone", "UTC"))


def _credit_the_past() -> None:
    customer = sa.table("customer", sa.column("updated_at", Instant))
    backfill = sa.table(
        "backfill", sa.column("kind", sa.String), sa.column("key", sa.String), sa.column("cursor", sa.String),
        sa.column("started_at", Instant),
    )  # fmt: skip
    last = sa.func.max(customer.c.updated_at)
    work = sa.select(sa.literal("credits"), sa.literal(""), sa.literal(""), last).having(last.is_not(None))
    op.execute(backfill.insert().from_select(["kind", "key", "cursor", "started_at"], work))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM backfill WHERE kind = 'credits'"))
    for name in ("mail_result", "mail_kind", "mail_outcome", "mail_credit", "credited_order"):
        op.drop_table(name)
