"""A draft keeps the order in which it was written: stages and variants have one, and PostgreSQL's JSONB sorts keys.

A draft that was stored before keeps the order that it was given; storing it again mends it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _change_to("json", sa.JSON())


def downgrade() -> None:
    _change_to("jsonb", postgresql.JSONB())


def _change_to(name: str, kind: sa.types.TypeEngine[object]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("journey", "draft", type_=kind, postgresql_using=f"draft::{name}")
