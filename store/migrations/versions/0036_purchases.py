"""What customers bought is kept beside their aggregates, and what a fit found of it beside the settings.

Purchases of customers who are there already are folded from their events in the background.
"""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("purchases", Json, nullable=False, server_default="{}"))
    op.add_column("setting", sa.Column("value", Json, nullable=True))
    customer = sa.table("customer", sa.column("updated_at", Instant))
    backfill = sa.table(
        "backfill", sa.column("kind", sa.String), sa.column("key", sa.String), sa.column("cursor", sa.String),
        sa.column("started_at", Instant),
    )  # fmt: skip
    last = sa.func.max(customer.c.updated_at)
    work = sa.select(sa.literal("purchases"), sa.literal(""), sa.literal(""), last).having(last.is_not(None))
    op.execute(backfill.insert().from_select(["kind", "key", "cursor", "started_at"], work))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM backfill WHERE kind = 'purchases'"))
    with op.batch_alter_table("setting") as batch_op:
        batch_op.drop_column("value")
    with op.batch_alter_table("customer") as batch_op:
        batch_op.drop_column("purchases")
