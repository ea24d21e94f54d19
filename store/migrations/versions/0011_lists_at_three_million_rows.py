"""Indexes for lists that found too much, and addresses that are looked up by their beginning on PostgreSQL too."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NEW = {
    "ix_message_step_status": ("message", ("step", "status", "planned_at", "id"), None),
    "ix_message_template_status": ("message", ("template", "status", "planned_at", "id"), None),
    "ix_enrollment_standing": ("enrollment", ("journey", "stage", "customer_id"), "status = 'live'"),
    "ix_hook_status": ("hook", ("status", "id"), None),
    "ix_hook_of_journey": ("hook", ("journey", "id"), None),
    "ix_hook_customer": ("hook", ("customer_id", "id"), None),
    "ix_dispatch_status": ("dispatch", ("status", "id"), None),
}

BY_BEGINNING = ("email", "external_id")
"""Columns of a customer whose text is compared by its code points, as SQLite does always."""


def upgrade() -> None:
    for name, (table, columns, where) in NEW.items():
        only = None if where is None else sa.text(where)
        op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)
    op.drop_index("ix_hook_customer_id", "hook")
    _collate('"C"')


def downgrade() -> None:
    _collate('"default"')
    op.create_index("ix_hook_customer_id", "hook", ["customer_id"])
    for name, (table, _, _) in NEW.items():
        op.drop_index(name, table)


def _collate(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for column in BY_BEGINNING:
            op.execute(f"ALTER TABLE customer ALTER COLUMN {column} TYPE VARCHAR COLLATE {collation}")
