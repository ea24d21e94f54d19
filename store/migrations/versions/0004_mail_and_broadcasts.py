"""Mail that reaches the inbox: broadcasts, channels, locale variants, tracked links, confirmed consent"""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "broadcast",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("paused_at", Instant, nullable=True),
        sa.Column("wake_at", Instant, nullable=True),
        sa.Column("start_at", Instant, nullable=True),
        sa.Column("winner", sa.String(), nullable=True),
        sa.Column("audience", Json, nullable=True),
        sa.Column("alarm", sa.String(), nullable=True),
        sa.Column("operation_id", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("finished_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("broadcast", schema=None) as batch_op:
        batch_op.create_index("ix_broadcast_due", ["status", "wake_at"], unique=False)

    op.create_table(
        "broadcast_member",
        sa.Column("broadcast", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("broadcast", "customer_id"),
    )
    with op.batch_alter_table("broadcast_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_broadcast_member_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "bucket",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "channel",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("closed_until", Instant, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("alarm", sa.String(), nullable=True),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "pending_click",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_pending_click_at", "pending_click", ["at"], unique=False)
    op.create_index("ix_pending_click_customer_id", "pending_click", ["customer_id"], unique=False)
    op.create_index("ix_pending_click_message_id", "pending_click", ["message_id"], unique=False)

    op.add_column("consent", sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("consent", sa.Column("evidence", Json, nullable=True))

    op.add_column("message", sa.Column("broadcast", sa.String(), nullable=True))
    op.add_column("message", sa.Column("variant", sa.String(), nullable=True))
    op.add_column("message", sa.Column("locale", sa.String(), nullable=True))
    op.add_column("message", sa.Column("urls", Json, nullable=False, server_default="[]"))
    op.create_index("ix_message_broadcast", "message", ["broadcast", "status", "not_before"], unique=False)
    op.create_index("ix_message_turn", "message", ["lane", "status", "journey", "not_before"], unique=False)

    op.add_column("template_version", sa.Column("preheader", sa.String(), nullable=False, server_default=""))
    op.add_column("template_version", sa.Column("locales", Json, nullable=False, server_default="{}"))

    op.drop_column("lane", "alarm")

    op.add_column("topic", sa.Column("paused_at", Instant, nullable=True))
    op.add_column("topic", sa.Column("alarm", sa.String(), nullable=True))


def downgrade() -> None:
    op.add_column("lane", sa.Column("alarm", sa.String(), nullable=True))
    with op.batch_alter_table("topic", schema=None) as batch_op:
        batch_op.drop_column("alarm")
        batch_op.drop_column("paused_at")

    with op.batch_alter_table("template_version", schema=None) as batch_op:
        batch_op.drop_column("locales")
        batch_op.drop_column("preheader")

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_turn")
        batch_op.drop_index("ix_message_broadcast")
        batch_op.drop_column("urls")
        batch_op.drop_column("locale")
        batch_op.drop_column("variant")
        batch_op.drop_column("broadcast")

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_column("evidence")
        batch_op.drop_column("pending")

    op.drop_table("pending_click")
    op.drop_table("channel")
    op.drop_table("bucket")
    with op.batch_alter_table("broadcast_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_member_customer_id"))

    op.drop_table("broadcast_member")
    with op.batch_alter_table("broadcast", schema=None) as batch_op:
        batch_op.drop_index("ix_broadcast_due")

    op.drop_table("broadcast")
