"""How often a mail was opened and clicked is counted in a row of each; begun with what is known of both."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

KNOWN = """
INSERT INTO engagement (message_id, kind, customer_id, count, first_at, last_at)
SELECT message_id, kind, customer_id, COUNT(*), MIN(at), MAX(at) FROM delivery_event
WHERE kind IN ('opened', 'clicked') AND provider = 'waypost' GROUP BY message_id, kind, customer_id
"""
"""Opens and clicks that came by our own links, of which each is a report."""


def upgrade() -> None:
    op.create_table(
        "engagement",
        sa.Column("message_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
    )
    op.create_index("ix_engagement_customer_id", "engagement", ["customer_id"])
    op.execute(sa.text(KNOWN))


def downgrade() -> None:
    op.drop_table("engagement")
