"""Counts of messages are kept; they begin with what is there."""

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ARRIVED = "'delivered', 'opened', 'clicked', 'unsubscribed', 'complained'"
CLAIMABLE = ("planned", "deferred")


def upgrade() -> None:
    _table("message_count", "journey", "broadcast", "template", "variant", "lane", "status", "reason", "provider")
    op.add_column("message_count", sa.Column("gone", sa.Integer(), nullable=False, server_default="0"))
    _table("message_day_count", "day", "journey", "template", "status", "reason")
    _table("delivery_count", "subject", "key", "variant", "day", "what")
    op.execute(
        "INSERT INTO message_count "
        "(journey, broadcast, template, variant, lane, status, reason, provider, shard, count, gone) "
        "SELECT journey, coalesce(broadcast, ''), template, coalesce(variant, ''), lane, status, coalesce(reason, ''), "
        "coalesce(provider, ''), 0, count(*), 0 FROM message "
        "GROUP BY journey, coalesce(broadcast, ''), template, coalesce(variant, ''), lane, status, "
        "coalesce(reason, ''), coalesce(provider, '')"
    )
    planned = _day("planned_at")
    op.execute(
        "INSERT INTO message_day_count (day, journey, template, status, reason, shard, count) "
        f"SELECT {planned}, journey, template, status, coalesce(reason, ''), 0, count(*) FROM message "
        f"GROUP BY {planned}, journey, template, status, coalesce(reason, '')"
    )
    for subject, key, variant, where in (
        ("journey", "journey", "''", "journey <> ''"),
        ("broadcast", "broadcast", "coalesce(variant, '')", "broadcast IS NOT NULL"),
        ("topic", "topic", "''", "1 = 1"),
    ):
        _came(subject, key, variant, f"{where} AND delivery IN ({ARRIVED})", "arrived")
        _came(subject, key, variant, f"{where} AND delivery = 'complained'", "complained")
        _came(subject, key, variant, f"{where} AND {_by_people('opened', 'clicked')}", "opened")
        _came(subject, key, variant, f"{where} AND {_by_people('clicked')}", "clicked")
    _erased()
    _received()


def _table(name: str, *keys: str) -> None:
    op.create_table(
        name,
        *(sa.Column(key, sa.String(), nullable=False) for key in keys),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, "shard"),
    )


def _day(column: str) -> str:
    if op.get_bind().dialect.name == "postgresql":
        return f"to_char(timezone('UTC', {column}), 'YYYY-MM-DD')"
    return f"substr({column}, 1, 10)"


def _by_people(*kinds: str) -> str:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    return (
        "EXISTS (SELECT 1 FROM delivery_event WHERE delivery_event.message_id = message.id "
        f"AND delivery_event.kind IN ({named}) AND NOT delivery_event.machine)"
    )


def _came(subject: str, key: str, variant: str, where: str, what: str) -> None:
    day = _day("accepted_at")
    op.execute(
        "INSERT INTO delivery_count (subject, key, variant, day, what, shard, count) "
        f"SELECT '{subject}', {key}, {variant}, {day}, '{what}', 0, count(*) FROM message "
        f"WHERE accepted_at IS NOT NULL AND {where} GROUP BY 2, 3, 4"
    )


def _erased() -> None:
    """Mails of erased customers were counted by a label of template, status and reason."""
    connection = op.get_bind()
    counts = sa.table("run_count", *(sa.column(name) for name in ("journey", "name", "label", "count")))
    messages = sa.table(
        "message_count",
        *(
            sa.column(name)
            for name in (
                "journey", "broadcast", "template", "variant", "lane", "status", "reason", "provider", "shard",
                "count", "gone",
            )
        ),
    )  # fmt: skip
    gone: Counter[tuple[str, str, str, str]] = Counter()
    for journey, label, count in connection.execute(
        sa.select(counts.c.journey, counts.c.label, counts.c.count).where(counts.c.name == "erased_mail")
    ):
        template, status, reason = label.split("|")
        never = status in CLAIMABLE
        gone[journey, template, "skipped" if never else status, "erased" if never else reason] += count
    for (journey, template, status, reason), count in gone.items():
        row = {"journey": journey, "template": template, "status": status, "reason": reason, "count": count}
        unknown = {"broadcast": "", "variant": "", "lane": "", "provider": "", "shard": 0, "gone": count}
        connection.execute(messages.insert().values(**row, **unknown))
    connection.execute(counts.delete().where(counts.c.name == "erased_mail"))


def _received() -> None:
    """What the local outbox has received, once and again."""
    for label, count in (("once", "count(DISTINCT send_id)"), ("twice", "count(*) - count(DISTINCT send_id)")):
        op.execute(
            "INSERT INTO run_count (journey, name, label, shard, count) "
            f"SELECT '', 'outbox', '{label}', 0, n FROM (SELECT {count} AS n FROM outbox_mail) AS received WHERE n > 0"
        )


def downgrade() -> None:
    op.execute("DELETE FROM run_count WHERE name = 'outbox'")
    op.drop_table("delivery_count")
    op.drop_table("message_day_count")
    op.drop_table("message_count")
