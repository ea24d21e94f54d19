"""Pulses of the worker's parts, dispatch rows that are set aside, and notices of written work (PostgreSQL)."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WATCHED = ("dispatch", "message", "hook", "broadcast", "backfill", "date_due", "pending_click")
"""Tables that hold work for the worker's parts."""


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table("pulse", sa.Column("part", sa.String(), primary_key=True), sa.Column("at", Instant, nullable=False))
    op.add_column("dispatch", sa.Column("status", sa.String(), nullable=False, server_default="ready"))
    op.drop_index("ix_dispatch_next", "dispatch")
    op.create_index("ix_dispatch_next", "dispatch", ["status", "priority", "id"])
    if postgresql:
        op.execute(
            "CREATE FUNCTION waypost_notice() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_notify('waypost', ''); RETURN NULL; END $$"
        )
        for table in WATCHED:
            op.execute(
                f"CREATE TRIGGER waypost_notice AFTER INSERT OR UPDATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION waypost_notice()"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in WATCHED:
            op.execute(f"DROP TRIGGER waypost_notice ON {table}")
        op.execute("DROP FUNCTION waypost_notice()")
    op.drop_index("ix_dispatch_next", "dispatch")
    op.create_index("ix_dispatch_next", "dispatch", ["priority", "id"])
    op.drop_column("dispatch", "status")
    op.drop_table("pulse")
