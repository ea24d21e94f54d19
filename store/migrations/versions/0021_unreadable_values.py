"""Values that nobody could read are counted, with examples; an event keeps what a wrong clock said."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unreadable_count",
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("shard", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
    )
    op.create_table(
        "unreadable_example",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("ix_unreadable_example_customer_id", "unreadable_example", ["customer_id"])
    op.create_index("ix_unreadable_example_field", "unreadable_example", ["source", "field"])
    op.add_column("event", sa.Column("said_at", Instant, nullable=True))


def downgrade() -> None:
    op.drop_column("event", "said_at")
    op.drop_index("ix_unreadable_example_field", "unreadable_example")
    op.drop_index("ix_unreadable_example_customer_id", "unreadable_example")
    op.drop_table("unreadable_example")
    op.drop_table("unreadable_count")
