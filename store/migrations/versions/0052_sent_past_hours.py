"""An enrollment says which mail a person has let go past hours and caps."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("sent_past", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("enrollment", "sent_past")
