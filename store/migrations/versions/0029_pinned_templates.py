"""A version of a journey names the templates it was published with, and a mail the one that it is pinned to."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "version_template",
        sa.Column("journey", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("template", sa.String(), primary_key=True),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_version_template_template", "version_template", ["template"])
    op.add_column("message", sa.Column("template_pin", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("message", "template_pin")
    op.drop_table("version_template")
