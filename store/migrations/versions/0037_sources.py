"""Where a customer comes from, the first and the last touch, is kept beside what they did."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("source", Json, nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("customer") as batch_op:
        batch_op.drop_column("source")
