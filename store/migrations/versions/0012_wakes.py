"""A wake of an enrollment is one transaction: its state and its last wake are kept, and what is asked of it.

Nothing was released under the former design, so an enrollment that is under way begins its state anew where it stands.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)

INDEXES = (
    ("ix_enrollment_wakes", ["wakes_at", "id"], "wakes_at IS NOT NULL"),
    ("ix_enrollment_poked", ["poked_at", "id"], "poked_at IS NOT NULL"),
    ("ix_enrollment_stuck", ["id"], "stuck IS NOT NULL"),
)


def upgrade() -> None:
    op.create_table(
        "control",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
    )
    op.create_index("ix_control_enrollment_id", "control", ["enrollment_id"])
    op.create_index("ix_control_customer_id", "control", ["customer_id"])
    open_ = sa.text("status = 'asked'")
    op.create_index(
        "ix_control_open", "control", ["enrollment_id", "asked_at"], sqlite_where=open_, postgresql_where=open_
    )
    op.add_column("enrollment", sa.Column("wakes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("enrollment", sa.Column("state", JSON, nullable=False, server_default="{}"))
    op.add_column("enrollment", sa.Column("last_wake", JSON, nullable=True))
    op.add_column("enrollment", sa.Column("stuck", sa.String(), nullable=True))
    op.add_column("enrollment", sa.Column("poked_at", INSTANT, nullable=True))
    op.add_column("enrollment", sa.Column("nudged_at", INSTANT, nullable=True))
    for name, columns, of in INDEXES:
        op.create_index(name, "enrollment", columns, sqlite_where=sa.text(of), postgresql_where=sa.text(of))
    for column in ("shifts", "number"):
        op.drop_column("enrollment", column)
    op.drop_column("decision", "answer")


def downgrade() -> None:
    op.add_column("decision", sa.Column("answer", JSON, nullable=True))
    op.add_column("enrollment", sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("enrollment", sa.Column("shifts", JSON, nullable=False, server_default="[]"))
    for name, _, _ in INDEXES:
        op.drop_index(name, "enrollment")
    for column in ("nudged_at", "poked_at", "stuck", "last_wake", "state", "wakes"):
        op.drop_column("enrollment", column)
    op.drop_index("ix_control_open", "control")
    op.drop_index("ix_control_customer_id", "control")
    op.drop_index("ix_control_enrollment_id", "control")
    op.drop_table("control")
