"""An enrollment keeps every wake that its workflow may not have followed, and says when it is waked ahead of it."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

AS_A_LIST = {"sqlite": "json_array(json(last_wake))", "postgresql": "jsonb_build_array(last_wake)"}
ITS_LAST = {"sqlite": "json_extract(last_wakes, '$[#-1]')", "postgresql": "last_wakes -> -1"}
KEPT = "last_wake IS NOT NULL AND CAST(last_wake AS TEXT) <> 'null'"

INDEXES = (
    ("ix_enrollment_due", ["due_at", "id"], "due_at IS NOT NULL"),
    ("ix_enrollment_follow", ["follow_at", "id"], "follow_at IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("last_wakes", Json, nullable=False, server_default="[]"))
    op.add_column("enrollment", sa.Column("due_at", Instant, nullable=True))
    op.add_column("enrollment", sa.Column("follow_at", Instant, nullable=True))
    op.execute(f"UPDATE enrollment SET last_wakes = {AS_A_LIST[op.get_bind().dialect.name]} WHERE {KEPT}")
    op.execute("UPDATE enrollment SET due_at = wakes_at WHERE status = 'live' AND stuck IS NULL")
    for name, columns, of in INDEXES:
        op.create_index(name, "enrollment", columns, sqlite_where=sa.text(of), postgresql_where=sa.text(of))
    op.drop_column("enrollment", "last_wake")


def downgrade() -> None:
    op.add_column("enrollment", sa.Column("last_wake", Json, nullable=True))
    op.execute(f"UPDATE enrollment SET last_wake = {ITS_LAST[op.get_bind().dialect.name]}")
    for name, _, _ in INDEXES:
        op.drop_index(name, "enrollment")
    for column in ("follow_at", "due_at", "last_wakes"):
        op.drop_column("enrollment", column)
