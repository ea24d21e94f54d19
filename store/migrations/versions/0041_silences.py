"""What has stopped happening is kept beside the settings: events that do not come, journeys that send nothing."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("setting", sa.Column("silences", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("setting") as batch_op:
        batch_op.drop_column("silences")
