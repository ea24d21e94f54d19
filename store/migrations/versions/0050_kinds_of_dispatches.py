"""How many rows of each kind are on their way to Temporal is read along an index.

From here on a start or a poke may be `to_wake`. The version before takes no such row: all that is due by it is the
workflow's to do.
"""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dispatch_kind", "dispatch", ["kind", "status"])


def downgrade() -> None:
    op.drop_index("ix_dispatch_kind", "dispatch")
    op.execute("UPDATE dispatch SET status = 'ready' WHERE status = 'to_wake'")
