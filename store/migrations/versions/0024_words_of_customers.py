"""Customers are found by parts of their names and addresses: the words of those who are there already."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Json

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PAGE = 1_000
"""Customers in memory at a time."""

TEXT: Any = sa.String().with_variant(sa.String(collation="C"), "postgresql")

customer = sa.table("customer", sa.column("id"), sa.column("email"), sa.column("attributes", Json))
customer_word = sa.table("customer_word", sa.column("word"), sa.column("customer_id"))


def upgrade() -> None:
    op.create_table(
        "customer_word",
        sa.Column("word", TEXT, primary_key=True),
        sa.Column("customer_id", sa.String(), sa.ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    )
    here, last = op.get_bind(), ""
    wanted = sa.select(customer.c.id, customer.c.email, customer.c.attributes).order_by(customer.c.id).limit(PAGE)
    while page := here.execute(wanted.where(customer.c.id > last)).all():
        rows = [
            {"word": word, "customer_id": key}
            for key, email, attributes in page
            for word in sorted(_words(email or "", attributes or {}))
        ]
        if rows:
            here.execute(customer_word.insert(), rows)
        last = page[-1][0]
    op.create_index("ix_customer_word_customer_id", "customer_word", ["customer_id"])


def downgrade() -> None:
    op.drop_index("ix_customer_word_customer_id", "customer_word")
    op.drop_table("customer_word")


def _words(email: str, attributes: dict[str, Any]) -> set[str]:
    local, _, domain = _folded(email).rpartition("@")
    labels = domain.split(".")
    found = [*_ends(local), *(".".join(labels[index:])[:64] for index in range(max(1, len(labels) - 1)))]
    for name in ("name", "first_name", "last_name"):
        if isinstance(attributes.get(name), str):
            found += _ends(_folded(attributes[name]))
    return set([one for one in dict.fromkeys(found) if one][:100])


def _ends(text: str) -> Iterator[str]:
    for word in text.split():
        yield word[:64]
        for index in range(1, len(word) - 2):
            yield word[index : index + 64]


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold().replace("\0", " ")
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if not unicodedata.combining(one)).replace("\0", " ")
