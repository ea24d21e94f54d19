"""A draft is kept as it was read; the text it was read from, which nobody asked for, goes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("journey", "draft_text")


def downgrade() -> None:
    op.add_column("journey", sa.Column("draft_text", sa.String(), nullable=True))
