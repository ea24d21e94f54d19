"""A version of a journey may be archived."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journey_version", sa.Column("archived_at", Instant, nullable=True))


def downgrade() -> None:
    op.drop_column("journey_version", "archived_at")
