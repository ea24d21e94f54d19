"""A person may move one enrollment to a stage, at a step."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("control", sa.Column("stage", sa.String(), nullable=True))
    op.add_column("control", sa.Column("step", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("control", "step")
    op.drop_column("control", "stage")
