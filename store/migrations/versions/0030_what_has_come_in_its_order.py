"""What has come by the clock is read in its order from an index, however many dates and clicks share an instant."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

WIDER = {
    "date_due": ("ix_date_due_at", ["at"], ["at", "journey", "trigger", "customer_id"]),
    "pending_click": ("ix_pending_click_at", ["at"], ["at", "id"]),
}


def upgrade() -> None:
    for table, (name, _, after) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, after)


def downgrade() -> None:
    for table, (name, before, _) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, before)
