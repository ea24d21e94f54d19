"""Stages of a journey are paused too, and a resume says what becomes of overdue mails."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("paused_stages", "resumed"):
        op.add_column("journey", sa.Column(name, Json, nullable=False, server_default="{}"))
    op.add_column("enrollment", sa.Column("resumed_at", Instant, nullable=True))
    op.add_column("enrollment", sa.Column("resumed_late", sa.String(), nullable=True))
    op.add_column("control", sa.Column("late", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("control", "late")
    op.drop_column("enrollment", "resumed_late")
    op.drop_column("enrollment", "resumed_at")
    for name in ("resumed", "paused_stages"):
        op.drop_column("journey", name)
