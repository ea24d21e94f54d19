"""Plans of a publish: what they say of each enrollment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "plan_entry",
        sa.Column("operation_id", sa.String(), primary_key=True),
        sa.Column("enrollment_id", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("to_stage", sa.String(), nullable=False),
        sa.Column("to_step", sa.String(), nullable=True),
        sa.Column("detail", JSON, nullable=False),
    )
    op.create_index("ix_plan_entry_kind", "plan_entry", ["operation_id", "kind", "enrollment_id"])
    op.create_index("ix_plan_entry_customer", "plan_entry", ["customer_id"])


def downgrade() -> None:
    op.drop_table("plan_entry")
