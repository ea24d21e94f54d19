"""How many rows of each kind are on their way to Temporal is read along an index."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dispatch_kind", "dispatch", ["kind", "status"])


def downgrade() -> None:
    op.drop_index("ix_dispatch_kind", "dispatch")
