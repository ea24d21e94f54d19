"""What customers answer to the surveys in their mails is kept."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "survey_answer",
        sa.Column("message_id", sa.String(), primary_key=True),
        sa.Column("survey", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("broadcast", sa.String(), nullable=True),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
    )
    op.create_index("ix_survey_answer_customer_id", "survey_answer", ["customer_id"])
    op.create_index(
        "ix_survey_answer_survey", "survey_answer", ["survey", "journey", "version", "stage", "label", "score"]
    )


def downgrade() -> None:
    op.drop_table("survey_answer")
