"""Who came to a stage when, and who did something when, is found by an index: what funnels and cohorts ask."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

DECISION = sa.table(
    "decision",
    sa.column("what", sa.String),
    sa.column("stage", sa.String),
    sa.column("entered_stage", sa.String),
    sa.column("detail", Json),
)


def upgrade() -> None:
    op.add_column("decision", sa.Column("entered_stage", sa.String(), nullable=True))
    _tell_of_the_past()
    where = sa.text("entered_stage IS NOT NULL")
    for name, columns in (
        ("ix_decision_entered", ["journey", "entered_stage", "at", "customer_id"]),
        ("ix_decision_visits", ["customer_id", "journey", "entered_stage"]),
    ):
        op.create_index(name, "decision", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_event_happened", "event", ["name", "at", "customer_id"])


def _tell_of_the_past() -> None:
    """What decisions on record say of the stage to which somebody came."""
    detail = DECISION.c.detail
    was, came_to = detail[("from", "stage")].as_string(), detail[("to", "stage")].as_string()
    for what, stage, where in (
        ("entered", DECISION.c.stage, DECISION.c.stage.is_not(None)),
        ("moved", detail["to"].as_string(), sa.true()),
        ("migrated", came_to, was != came_to),
    ):
        of_a_kind = sa.update(DECISION).where(DECISION.c.what == what, where)
        op.execute(of_a_kind.values(entered_stage=stage))


def downgrade() -> None:
    op.drop_index("ix_event_happened", "event")
    op.drop_index("ix_decision_visits", "decision")
    op.drop_index("ix_decision_entered", "decision")
    with op.batch_alter_table("decision") as batch_op:
        batch_op.drop_column("entered_stage")
