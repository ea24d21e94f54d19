"""What the events of a goal were worth to customers of a variant is kept by day, orders by their keys.

Of what was kept before nobody knows the days: it stands on the day (UTC) on which its customer converted, which is that
of the first amount, and for most of the only one.

Marks say which export positions had been given out by when; the first one is made by the upkeep.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

ASSIGNMENT = sa.table(
    "assignment",
    sa.column("customer_id", sa.String),
    sa.column("journey", sa.String),
    sa.column("split", sa.String),
    sa.column("converted_at", Instant),
    sa.column("revenue", Json),
)
PAGE = 1_000
NONE = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
THREE = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
DECIMALS = {**dict.fromkeys(NONE, 0), **dict.fromkeys(THREE, 3)}
UNSTATED = "unstated"


def upgrade() -> None:
    op.create_table(
        "export_mark",
        sa.Column("at", Instant, primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    _rewrite(_by_day)


def downgrade() -> None:
    op.drop_table("export_mark")
    _rewrite(_by_currency)


def _rewrite(made: Callable[[Any], Mapping[str, Any]]) -> None:
    """The revenue of everybody who converted, anew, a page at a time."""
    key = (ASSIGNMENT.c.customer_id, ASSIGNMENT.c.journey, ASSIGNMENT.c.split)
    converted = sa.select(ASSIGNMENT).where(ASSIGNMENT.c.converted_at.is_not(None)).order_by(*key).limit(PAGE)
    connection, after = op.get_bind(), ("", "", "")
    here = [one == sa.bindparam(f"b_{one.name}") for one in key]
    change = sa.update(ASSIGNMENT).where(*here).values(revenue=sa.bindparam("b_revenue", type_=Json))
    while rows := connection.execute(converted.where(sa.tuple_(*key) > sa.tuple_(*after))).all():
        changed = [
            {**{f"b_{one.name}": getattr(row, one.name) for one in key}, "b_revenue": made(row)}
            for row in rows
            if row.revenue
        ]
        if changed:
            connection.execute(change, changed)
        after = tuple(getattr(rows[-1], one.name) for one in key)


def _by_day(row: Any) -> Mapping[str, Any]:
    amounts: dict[str, int] = {}
    for named, amount in row.revenue.items():
        currency = named if len(named) == 3 and named.isascii() and named.isalpha() else UNSTATED
        units = int(Decimal(repr(amount)).scaleb(DECIMALS.get(currency, 2)).to_integral_value())
        amounts[currency] = amounts.get(currency, 0) + units
    at = row.converted_at if row.converted_at.tzinfo else row.converted_at.replace(tzinfo=UTC)
    return {"other": {at.astimezone(UTC).date().isoformat(): amounts}}


def _by_currency(row: Any) -> Mapping[str, Any]:
    found: dict[str, float] = {}
    told = [(currency, units) for _, currency, units in row.revenue.get("orders", {}).values()]
    told += [one for amounts in row.revenue.get("other", {}).values() for one in amounts.items()]
    for currency, units in told:
        named = "" if currency == UNSTATED else currency
        found[named] = found.get(named, 0.0) + float(Decimal(units).scaleb(-DECIMALS.get(currency, 2)))
    return found
