"""Who is under way in a journey is found by version, by the day since which they entered, and by being paused."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_enrollment_version", ["journey", "version", "id"], "status = 'live'"),
    ("ix_enrollment_since", ["journey", "entered_at", "id"], "status = 'live'"),
    ("ix_enrollment_held", ["journey", "id"], "paused_by IS NOT NULL"),
)


def upgrade() -> None:
    for name, columns, of in INDEXES:
        op.create_index(name, "enrollment", columns, sqlite_where=sa.text(of), postgresql_where=sa.text(of))


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, "enrollment")
