"""Users sign in by accounts at an OpenID Connect provider; who writes a draft asks for its approval."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_identity",
        sa.Column("issuer", sa.String(), primary_key=True),
        sa.Column("subject", sa.String(), primary_key=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
    )
    op.create_index("ix_user_identity_user_id", "user_identity", ["user_id"])
    op.create_table(
        "approval_request",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("plan", sa.String(), nullable=True),
        sa.Column("in_flight", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", Instant, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
    )
    op.create_index("ix_approval_request_journey", "approval_request", ["journey", "id"])
    op.create_index("ix_approval_request_status", "approval_request", ["status", "id"])
    waits = sa.text("status = 'open'")
    op.create_index(
        "uq_approval_request_open", "approval_request", ["journey"], unique=True, sqlite_where=waits,
        postgresql_where=waits,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("approval_request")
    op.drop_table("user_identity")
