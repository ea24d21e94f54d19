"""A draft counts its revisions and names its author; a version names who wrote it, and who published it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journey", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("journey", sa.Column("based_on", sa.Integer(), nullable=True))
    op.add_column("journey", sa.Column("drafted_by", sa.String(), nullable=True))
    op.add_column("journey_version", sa.Column("drafted_by", sa.String(), nullable=True))
    op.add_column("journey_version", sa.Column("published_by", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("journey_version", "published_by")
    op.drop_column("journey_version", "drafted_by")
    for name in ("drafted_by", "based_on", "revision"):
        op.drop_column("journey", name)
