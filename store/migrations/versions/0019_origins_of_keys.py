"""A key names the origins of the pages that may call with it; the keys that are there name none."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("origins", Json, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("api_key", "origins")
