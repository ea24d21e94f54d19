"""What concerns an inbox is kept by its address: what was said there, and where each mail went.

Addresses get one form (small letters, NFC, the domain as IDNA reads it), ids lose the blanks round them. What customers
said is said at their addresses too, the later word of each topic. Mails that are there get the address that their
customer has now: another is not known any more.
"""

import unicodedata
from contextlib import suppress
from typing import Any

import idna
import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PAGE = 5_000

customer = sa.table("customer", sa.column("id"), sa.column("email"), sa.column("external_id"))
suppression = sa.table(
    "suppression", sa.column("email"), sa.column("reason"), sa.column("source"), sa.column("created_at", Instant)
)


def upgrade() -> None:
    op.create_table(
        "address_consent",
        sa.Column("email", sa.String(), primary_key=True),
        sa.Column("topic", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("ix_address_consent_customer_id", "address_consent", ["customer_id"])
    op.add_column("message", sa.Column("email", sa.String(), nullable=True))
    _one_form_of_addresses()
    _ids_without_blanks()
    op.execute("UPDATE message SET email = (SELECT c.email FROM customer c WHERE c.id = message.customer_id)")
    op.create_index("ix_message_email", "message", ["email"])
    op.execute(
        "INSERT INTO address_consent (email, topic, customer_id, granted, source, at)"
        " SELECT email, topic, customer_id, granted, source, at FROM ("
        "SELECT c.email, s.topic, s.customer_id, s.granted, s.source, s.at, ROW_NUMBER() OVER ("
        "PARTITION BY c.email, s.topic ORDER BY s.at DESC, s.granted, s.customer_id) AS place"
        " FROM consent s JOIN customer c ON c.id = s.customer_id"
        " WHERE c.email IS NOT NULL AND NOT s.pending) AS said WHERE place = 1"
    )


def downgrade() -> None:
    op.drop_index("ix_message_email", "message")
    op.drop_column("message", "email")
    op.drop_index("ix_address_consent_customer_id", "address_consent")
    op.drop_table("address_consent")


def _one_form_of_addresses() -> None:
    here = op.get_bind()
    for key, email in _rows(customer.c.id, customer.c.email):
        if email is not None and _normal(email) != email:
            here.execute(sa.update(customer).where(customer.c.id == key).values(email=_normal(email) or None))
    for (email,) in list(_rows(suppression.c.email)):
        if (wanted := _normal(email)) == email:
            continue
        mine = suppression.c.email == email
        if here.execute(sa.select(suppression.c.email).where(suppression.c.email == wanted)).first() is None:
            here.execute(sa.update(suppression).where(mine).values(email=wanted))
        else:
            here.execute(sa.delete(suppression).where(mine))


def _ids_without_blanks() -> None:
    """An id that somebody else has without its blanks stays as it is: two customers are not made one unasked."""
    here = op.get_bind()
    for key, external_id in _rows(customer.c.id, customer.c.external_id):
        trimmed = (external_id or "").strip()
        if not trimmed or trimmed == external_id:
            continue
        if here.execute(sa.select(customer.c.id).where(customer.c.external_id == trimmed)).first() is None:
            here.execute(sa.update(customer).where(customer.c.id == key).values(external_id=trimmed))


def _rows(key: Any, *others: Any) -> Any:
    """All rows of a table in the order of a key, a page in memory at a time."""
    here, last = op.get_bind(), ""
    while page := here.execute(sa.select(key, *others).where(key > last).order_by(key).limit(PAGE)).all():
        yield from page
        last = page[-1][0]


def _normal(address: str) -> str:
    text = address.strip().lower()
    if text.isascii() and "xn--" not in text:
        return text
    local, at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    with suppress(idna.IDNAError):
        domain = idna.decode(idna.encode(domain, uts46=True))
    return f"{local}{at}{domain}"
