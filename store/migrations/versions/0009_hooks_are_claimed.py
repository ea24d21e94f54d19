"""Hooks are claimed by an owner, and a note by mail is never repeated where it may have gone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hook", sa.Column("once", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("hook", sa.Column("fence", sa.String(), nullable=True))
    op.create_index("ix_hook_journey", "hook", ["journey", "status", "id"])


def downgrade() -> None:
    op.drop_index("ix_hook_journey", "hook")
    op.drop_column("hook", "fence")
    op.drop_column("hook", "once")
