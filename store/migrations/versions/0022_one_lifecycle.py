"""One journey is the lifecycle, and the variants of a broadcast keep the order in which they were named.

Where several journeys let customers in as the lifecycle, the one whose key comes first stays it, as it was until now:
it alone was asked for a customer's stage. PostgreSQL's JSONB sorts keys; a broadcast that is there keeps that order.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

THE_LIFECYCLE = "lifecycle AND live_version IS NOT NULL AND archived_at IS NULL"


def upgrade() -> None:
    journey = sa.table(
        "journey", sa.column("key", sa.String), sa.column("lifecycle", sa.Boolean),
        sa.column("live_version", sa.Integer), sa.column("archived_at"),
    )  # fmt: skip
    those = sa.and_(journey.c.lifecycle, journey.c.live_version.is_not(None), journey.c.archived_at.is_(None))
    first = sa.select(sa.func.min(journey.c.key)).where(those).scalar_subquery()
    op.execute(journey.update().where(those, journey.c.key != first).values(lifecycle=False))
    only = sa.text(THE_LIFECYCLE)
    op.create_index(
        "uq_journey_lifecycle", "journey", ["lifecycle"], unique=True, sqlite_where=only, postgresql_where=only
    )
    _change_body("json", sa.JSON())


def downgrade() -> None:
    _change_body("jsonb", postgresql.JSONB())
    op.drop_index("uq_journey_lifecycle", "journey")


def _change_body(name: str, kind: sa.types.TypeEngine[object]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("broadcast", "body", type_=kind, postgresql_using=f"body::{name}")
