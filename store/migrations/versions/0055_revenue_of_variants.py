"""What the variants of splits brought is kept in sums, so that no report reads whoever converted."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

KEYS = ("journey", "what", "split", "variant", "currency", "part", "shard")
ASSIGNMENT = sa.table(
    "assignment",
    *(sa.column(name, sa.String) for name in ("customer_id", "journey", "split", "variant")),
    sa.column("converted_at"),
    sa.column("revenue", Json),
)
PAGE = 1_000


def upgrade() -> None:
    made = op.create_table(
        "revenue_sum",
        *(sa.Column(name, sa.String(), primary_key=True) for name in KEYS[:-1]),
        sa.Column("shard", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
    )
    key = (ASSIGNMENT.c.customer_id, ASSIGNMENT.c.journey, ASSIGNMENT.c.split)
    converted = sa.select(ASSIGNMENT).where(ASSIGNMENT.c.converted_at.is_not(None)).order_by(*key).limit(PAGE)
    connection, after = op.get_bind(), ("", "", "")
    customers, units = Counter[Any](), Counter[Any]()
    while rows := connection.execute(converted.where(sa.tuple_(*key) > sa.tuple_(*after))).all():
        for row in rows:
            revenue = json.loads(row.revenue) if isinstance(row.revenue, str) else row.revenue
            for (what, *of), count, amount in _sums(revenue or {}):
                customers[row.journey, what, row.split, row.variant, *of] += count
                units[row.journey, what, row.split, row.variant, *of] += amount
        after = tuple(getattr(rows[-1], one.name) for one in key)
    kept = [
        {**dict(zip(KEYS, (*of, 0), strict=True)), "customers": customers[of], "units": units[of]}
        for of in sorted({*customers, *units})
    ]
    if kept:
        op.bulk_insert(made, kept)


def downgrade() -> None:
    op.drop_table("revenue_sum")


def _sums(revenue: Mapping[str, Any]) -> list[tuple[tuple[str, str, str], int, int]]:
    told = [(currency, day, units) for day, currency, units in revenue.get("orders", {}).values()]
    for day, amounts in revenue.get("other", {}).items():
        told += [(currency, day, units) for currency, units in amounts.items()]
    whole = Counter[str]()
    for currency, _, units in told:
        whole[currency] += units
    paid = {currency: units for currency, units in whole.items() if units}
    found = [(("day", currency, day), 0, units) for currency, day, units in told if units]
    found += [(("paid", currency, _bucket(units)), 1, units) for currency, units in paid.items()]
    return [*found, (("paying", "", ""), 1, 0)] if paid else found


def _bucket(units: int) -> str:
    return f"{'-' if units < 0 else ''}{1 + math.floor(4 * math.log2(abs(units)))}"
