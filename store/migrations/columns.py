"""Column types as migrations write them, frozen: what the product makes of them later is another migration's say."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Instant: Any = sa.DateTime(timezone=True)
"""A UTC instant; SQLite keeps it as text that sorts by time."""

Json: Any = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
"""JSON: text on SQLite, JSONB on PostgreSQL."""
