"""What happened on each day is kept; of the time before, what the decisions on record tell.

Runs of customers who were erased have no decisions any more, so they are in no day before this one.
"""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
TOLD = ("entered", "moved", "ended", "migrated")
DECISION = sa.table(
    "decision",
    sa.column("journey", sa.String),
    sa.column("what", sa.String),
    sa.column("at", Instant),
    sa.column("stage", sa.String),
    sa.column("detail", Json),
)
KEYS = ("journey", "name", "day", "label", "shard")
DAY_COUNT = sa.table("day_count", *(sa.column(name) for name in (*KEYS, "count")))


def upgrade() -> None:
    op.create_table(
        "day_count",
        sa.Column("journey", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("label", sa.String(), primary_key=True),
        sa.Column("shard", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
    )
    where = sa.text("shard > 0")
    op.create_index("ix_day_count_open", "day_count", ["day"], sqlite_where=where, postgresql_where=where)
    _tell_of_the_past()


def _tell_of_the_past() -> None:
    """Read all decisions once, as they lie."""
    connection, zone = op.get_bind(), _zone()
    query = sa.select(*DECISION.c).where(DECISION.c.what.in_(TOLD), DECISION.c.stage.is_not(None))
    found: Counter[tuple[str, str, str, str]] = Counter()
    for journey, what, at, stage, detail in connection.execute(query.execution_options(yield_per=AT_ONCE)):
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # SQLite keeps no zone
        day = at.astimezone(zone).date().isoformat()
        for name, label in _told(what, stage, detail, at):
            found[journey, name, day, label] += 1
            if name == "stayed":
                found[journey, name, "", label] += 1
    rows = [dict(zip(KEYS, (*key, 0), strict=True), count=count) for key, count in sorted(found.items())]
    if rows:
        connection.execute(sa.insert(DAY_COUNT), rows)


def _zone() -> ZoneInfo:
    """The zone of the installation."""
    settings = op.get_bind().execute(sa.select(sa.column("body", Json)).select_from(sa.table("setting"))).scalar()
    return ZoneInfo((settings or {}).get("timezone", "UTC"))


def _told(what: str, stage: str, detail: dict[str, Any], at: datetime) -> Iterator[tuple[str, str]]:
    """What a decision says, as names and labels of day counts."""
    if what == "entered":
        yield "moved", f"->{stage}"
    elif what == "moved":
        yield "moved", f"{stage}->{detail['to']}"
        if "since" in detail:
            seconds = (at - datetime.fromisoformat(detail["since"])).total_seconds()
            yield "stayed", f"{stage}|{1 + math.floor(4 * math.log2(seconds)) if seconds >= 1 else 0}"
    elif what == "ended":
        yield "left", f"{stage}|{detail.get('reason') or ''}"
    elif detail["from"]["stage"] != detail["to"]["stage"]:
        yield "moved", f"{detail['from']['stage']}->{detail['to']['stage']}"


def downgrade() -> None:
    op.drop_index("ix_day_count_open", "day_count")
    op.drop_table("day_count")
