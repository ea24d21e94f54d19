"""People sign in by name: users, the links that let them in, and their sessions."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("email", sa.String(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", Json, nullable=False),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("invited_by", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_sign_in_at", Instant, nullable=True),
        sa.Column("disabled_at", Instant, nullable=True),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
    )
    op.create_index("ix_sign_in_link_user_id", "sign_in_link", ["user_id"])
    op.create_index("ix_sign_in_link_expires_at", "sign_in_link", ["expires_at"])
    op.create_table(
        "user_session",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("hash", sa.String(), nullable=False, unique=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant, nullable=True),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"])
    op.create_index("ix_user_session_expires_at", "user_session", ["expires_at"])


def downgrade() -> None:
    for name in ("user_session", "sign_in_link", "user_account"):
        op.drop_table(name)
