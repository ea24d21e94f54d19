"""All lanes can be held: no mail, webhook or note is claimed while the row is there."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("hold")
