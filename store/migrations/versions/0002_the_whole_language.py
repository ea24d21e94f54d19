"""The whole language"""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backfill",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_table(
        "date_due",
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("journey", "trigger", "customer_id"),
    )
    with op.batch_alter_table("date_due", schema=None) as batch_op:
        batch_op.create_index("ix_date_due_at", ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_date_due_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "event_name",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hook",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("answer", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("hook", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hook_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_hook_due", ["status", "not_before"], unique=False)
        batch_op.create_index(batch_op.f("ix_hook_enrollment_id"), ["enrollment_id"], unique=False)

    op.create_table(
        "segment",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("guard", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("evaluated_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "segment_member",
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.PrimaryKeyConstraint("segment", "customer_id"),
    )
    with op.batch_alter_table("segment_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segment_member_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "operation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("result", Json, nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("started_at", Instant, nullable=True),
        sa.Column("finished_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_operation_created", "operation", ["created_at"])
    op.add_column("customer", sa.Column("segments", Json, nullable=False, server_default="[]"))
    names = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}  # as PostgreSQL names it by itself
    with op.batch_alter_table("enrollment", naming_convention=names) as batch_op:
        batch_op.add_column(sa.Column("key", sa.String(), nullable=False, server_default=""))
        batch_op.drop_constraint("enrollment_journey_customer_id_run_key", type_="unique")
        batch_op.create_unique_constraint("uq_enrollment_run", ["journey", "customer_id", "key", "run"])
    op.execute("INSERT INTO event_name (name, first_seen_at) SELECT name, min(received_at) FROM event GROUP BY name")


def downgrade() -> None:
    with op.batch_alter_table("enrollment") as batch_op:
        batch_op.drop_constraint("uq_enrollment_run", type_="unique")
        batch_op.drop_column("key")
        batch_op.create_unique_constraint("enrollment_journey_customer_id_run_key", ["journey", "customer_id", "run"])
    op.drop_column("customer", "segments")
    op.drop_table("operation")

    with op.batch_alter_table("segment_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_segment_member_customer_id"))

    op.drop_table("segment_member")
    op.drop_table("segment")
    with op.batch_alter_table("hook", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hook_enrollment_id"))
        batch_op.drop_index("ix_hook_due")
        batch_op.drop_index(batch_op.f("ix_hook_customer_id"))

    op.drop_table("hook")
    op.drop_table("event_name")
    with op.batch_alter_table("date_due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_date_due_customer_id"))
        batch_op.drop_index("ix_date_due_at")

    op.drop_table("date_due")
    op.drop_table("backfill")
