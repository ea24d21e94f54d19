"""An entry of a plan tells whether its enrollment may be otherwise by now."""

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (sa.Column("wakes", sa.Integer()), sa.Column("seq", sa.Integer()), sa.Column("acts_at", Instant)):
        op.add_column("plan_entry", column)


def downgrade() -> None:
    for name in ("acts_at", "seq", "wakes"):
        op.drop_column("plan_entry", name)
