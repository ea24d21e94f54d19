"""The words by which customers are found know the address, so that whoever is found is put in its order by an index.

The table is made anew, since the address is part of its key: with a million customers that takes a minute or two.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0052"
branch_labels = None
depends_on = None

TEXT: Any = sa.String().with_variant(sa.String(collation="C"), "postgresql")

ADDRESSED = (
    "INSERT INTO customer_word_anew (word, email, customer_id) "
    "SELECT word, coalesce(customer.email, ''), customer_id FROM customer_word "
    "JOIN customer ON customer.id = customer_id"
)
PLAIN = "INSERT INTO customer_word_anew (word, customer_id) SELECT word, customer_id FROM customer_word"


def upgrade() -> None:
    _anew(ADDRESSED, sa.Column("email", TEXT, primary_key=True))


def downgrade() -> None:
    _anew(PLAIN)


def _anew(filled: str, *columns: Any) -> None:
    op.create_table(
        "customer_word_anew",
        sa.Column("word", TEXT, primary_key=True),
        *columns,
        sa.Column("customer_id", sa.String(), sa.ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    )
    op.execute(filled)
    op.drop_index("ix_customer_word_customer_id", "customer_word")
    op.drop_table("customer_word")
    op.rename_table("customer_word_anew", "customer_word")
    op.create_index("ix_customer_word_customer_id", "customer_word", ["customer_id"])
