"""What colleagues answer to notes is kept and counted, mails are counted by source, currencies have rates by day.

Notes that were sent before had no link, so they are not among those that wait for an answer. Of mails that were planned
before nobody knows by which channel their customers had come by then.
"""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "note_answer",
        sa.Column("hook_id", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
    )
    op.create_index("ix_note_answer_customer_id", "note_answer", ["customer_id"])
    op.create_table(
        "note_count",
        sa.Column("journey", sa.String(), primary_key=True),
        sa.Column("stage", sa.String(), primary_key=True),
        sa.Column("step", sa.String(), primary_key=True),
        sa.Column("answer", sa.String(), primary_key=True),
        sa.Column("bucket", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
    )
    op.create_table(
        "currency_rate",
        sa.Column("main", sa.String(), primary_key=True),
        sa.Column("currency", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("rate", sa.String(), nullable=False),
    )
    where = sa.text("currency <> ''")
    op.create_index("ix_mail_result_money", "mail_result", ["day"], sqlite_where=where, postgresql_where=where)
    op.add_column("message", sa.Column("source", sa.String(), nullable=True))
    op.add_column("mail_kind", sa.Column("source", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_index("ix_mail_result_money", "mail_result")
    op.drop_table("currency_rate")
    op.drop_column("mail_kind", "source")
    op.drop_column("message", "source")
    op.drop_table("note_count")
    op.drop_table("note_answer")
