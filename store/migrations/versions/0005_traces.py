"""Rows that keep which trace they belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispatch", sa.Column("trace", sa.String(), nullable=True))
    op.add_column("message", sa.Column("trace", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "trace")
    op.drop_column("dispatch", "trace")
