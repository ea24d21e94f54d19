"""What mails said moves into a table of its own."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOVED = ("subject", "html", "text", "urls")


def upgrade() -> None:
    op.create_table(
        "message_body",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("frozen_at", Instant, nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("html", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("urls", Json, nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    names = ", ".join(MOVED)
    op.execute(
        f"INSERT INTO message_body (message_id, customer_id, frozen_at, {names}) "
        f"SELECT id, customer_id, updated_at, {names} FROM message WHERE html IS NOT NULL OR CAST(urls AS TEXT) <> '[]'"
    )
    kept = sa.text("html IS NOT NULL")
    op.create_index("ix_message_body_customer_id", "message_body", ["customer_id"])
    op.create_index("ix_message_body_kept", "message_body", ["frozen_at"], sqlite_where=kept, postgresql_where=kept)
    with op.batch_alter_table("message") as batch:
        for name in MOVED:
            batch.drop_column(name)


def downgrade() -> None:
    for name in ("subject", "html", "text"):
        op.add_column("message", sa.Column(name, sa.String(), nullable=True))
    op.add_column("message", sa.Column("urls", Json, nullable=False, server_default="[]"))
    values = ", ".join(f"{name} = body.{name}" for name in MOVED)
    op.execute(f"UPDATE message SET {values} FROM message_body AS body WHERE body.message_id = message.id")
    op.drop_table("message_body")
