"""A database knows that it is a restored copy: what was due in between may have gone already."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restore",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("taken_at", Instant, nullable=False),
        sa.Column("restored_at", Instant, nullable=False),
    )
    op.create_index("ix_restore_restored_at", "restore", ["restored_at"])


def downgrade() -> None:
    op.drop_table("restore")
