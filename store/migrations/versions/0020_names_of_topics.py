"""A topic has names in other languages than the installation's; those that are there have the one name."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("topic", sa.Column("names", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("topic") as batch_op:
        batch_op.drop_column("names")
