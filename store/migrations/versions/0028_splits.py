"""The variant that a customer has of a split is remembered, and a split can be decided.

Who was assigned before keeps what they first got, as the decisions tell. Conversions were not kept by variant, so
experiments count those who are assigned from now on.
"""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

DECISION = sa.table(
    "decision",
    sa.column("id", sa.String),
    sa.column("customer_id", sa.String),
    sa.column("journey", sa.String),
    sa.column("what", sa.String),
    sa.column("at", Instant),
    sa.column("detail", Json),
)
ASSIGNED = ("customer_id", "journey", "split", "variant", "at", "counted", "revenue")
ASSIGNMENT = sa.table("assignment", *(sa.column(name) for name in ASSIGNED))


def upgrade() -> None:
    op.create_table(
        "assignment",
        sa.Column("customer_id", sa.String(), primary_key=True),
        sa.Column("journey", sa.String(), primary_key=True),
        sa.Column("split", sa.String(), primary_key=True),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("converted_at", Instant, nullable=True),
        sa.Column("revenue", Json, nullable=False),
    )
    op.create_index(
        "ix_assignment_converted",
        "assignment",
        ["journey", "split", "variant"],
        sqlite_where=sa.text("converted_at IS NOT NULL"),
        postgresql_where=sa.text("converted_at IS NOT NULL"),
    )
    op.create_table(
        "experiment",
        sa.Column("journey", sa.String(), primary_key=True),
        sa.Column("split", sa.String(), primary_key=True),
        sa.Column("began_at", Instant, nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("next_look_at", Instant, nullable=True),
        sa.Column("winner", sa.String(), nullable=True),
        sa.Column("decided_at", Instant, nullable=True),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("why", Json, nullable=False),
    )
    op.create_index(
        "ix_experiment_next_look",
        "experiment",
        ["next_look_at"],
        sqlite_where=sa.text("next_look_at IS NOT NULL"),
        postgresql_where=sa.text("next_look_at IS NOT NULL"),
    )
    _remember()


def _remember() -> None:
    """The first variant that each customer was given of each split."""
    split, variant = DECISION.c.detail["split"].as_string(), DECISION.c.detail["variant"].as_string()
    owner = (DECISION.c.customer_id, DECISION.c.journey, split)
    place = sa.func.row_number().over(partition_by=owner, order_by=(DECISION.c.at, DECISION.c.id))
    given = (
        sa.select(
            DECISION.c.customer_id,
            DECISION.c.journey,
            split.label("split"),
            variant.label("variant"),
            DECISION.c.at,
            place.label("place"),
        )
        .where(DECISION.c.what.in_(("assigned", "held_out")))
        .subquery()
    )
    columns = (given.c.customer_id, given.c.journey, given.c.split, given.c.variant, given.c.at)
    first = sa.select(*columns, sa.false(), sa.literal({}, Json)).where(given.c.place == 1)
    op.execute(sa.insert(ASSIGNMENT).from_select(list(ASSIGNED), first))


def downgrade() -> None:
    op.execute("DELETE FROM run_count WHERE name IN ('assigned', 'variant_converted')")
    op.drop_index("ix_experiment_next_look", "experiment")
    op.drop_table("experiment")
    op.drop_index("ix_assignment_converted", "assignment")
    op.drop_table("assignment")
