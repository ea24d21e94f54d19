"""A version may be tried on a few: so many of those who come enter it, and the others another one."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journey_version", sa.Column("share", sa.Integer(), nullable=False, server_default="100"))
    op.add_column("journey_version", sa.Column("others", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("journey_version") as batch_op:
        batch_op.drop_column("others")
        batch_op.drop_column("share")
