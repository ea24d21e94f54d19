"""The API: aliases, templates, topics, settings, audit, idempotent answers, uploads"""

import hashlib

import sqlalchemy as sa
from alembic import op

from store.migrations.columns import Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_target", ["kind", "target"], unique=False)

    op.create_table(
        "idempotent_answer",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key"),
    )
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotent_answer_at"), ["at"], unique=False)

    op.create_table(
        "operation_error",
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "line"),
    )
    op.create_table(
        "run_count",
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journey", "name", "label", "shard"),
    )
    op.create_table(
        "setting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "template",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "template_version",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", "number"),
    )
    op.create_table(
        "tombstone",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "topic",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("transactional", sa.Boolean(), nullable=False),
        sa.Column("cap_max", sa.Integer(), nullable=True),
        sa.Column("cap_seconds", sa.Integer(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "upload_part",
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "number"),
    )
    op.create_table(
        "alias",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("kind", "value"),
    )
    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alias_customer_id"), ["customer_id"], unique=False)

    op.add_column("api_key", sa.Column("expires_at", Instant, nullable=True))
    op.add_column("api_key", sa.Column("rate", sa.String(), nullable=True))

    op.add_column("enrollment", sa.Column("workflow_id", sa.String(), nullable=False, server_default=""))
    op.add_column("enrollment", sa.Column("paused_by", sa.String(), nullable=True))

    op.add_column("enrollment", sa.Column("shifts", Json, nullable=False, server_default="[]"))

    op.add_column("journey", sa.Column("paused_at", Instant, nullable=True))
    op.add_column("journey", sa.Column("archived_at", Instant, nullable=True))
    op.add_column("journey", sa.Column("alarm", sa.String(), nullable=True))

    op.add_column("message", sa.Column("delivery", sa.String(), nullable=True))
    op.create_table(
        "delivery_event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_delivery_event_name", "delivery_event", ["provider", "name"])
    op.create_index("ix_delivery_event_message_id", "delivery_event", ["message_id"])
    op.create_index("ix_delivery_event_customer_id", "delivery_event", ["customer_id"])
    op.add_column("message", sa.Column("template_version", sa.Integer(), nullable=True))

    op.add_column("movement", sa.Column("seconds", sa.BigInteger(), nullable=False, server_default="0"))

    op.add_column("operation", sa.Column("error_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("operation", sa.Column("cursor", sa.String(), nullable=False, server_default=""))
    op.add_column("operation", sa.Column("note", sa.String(), nullable=True))
    op.add_column("operation", sa.Column("asked_by", sa.String(), nullable=True))
    _name_the_workflows()
    op.execute(
        "INSERT INTO run_count (journey, name, label, shard, count) "
        "SELECT journey, 'ended', coalesce(reason, ''), 0, count(*) FROM enrollment WHERE status = 'ended' "
        "GROUP BY journey, coalesce(reason, '')"
    )


def _name_the_workflows() -> None:
    """Until now a workflow's id was worked out from its row; from now on it is kept, since a merge changes the row."""
    connection = op.get_bind()
    here = sa.table(
        "enrollment", *(sa.column(name) for name in ("id", "journey", "customer_id", "key", "run", "workflow_id"))
    )
    last = ""
    while rows := connection.execute(sa.select(here).where(here.c.id > last).order_by(here.c.id).limit(5_000)).all():
        last = rows[-1].id
        values = [{"row": row.id, "name": _workflow_id(row.journey, row.customer_id, row.key, row.run)} for row in rows]
        update = here.update().where(here.c.id == sa.bindparam("row")).values(workflow_id=sa.bindparam("name"))
        connection.execute(update, values)


def _workflow_id(journey: str, customer: str, key: str, run: int) -> str:
    """The id as it was worked out when this migration was written."""
    keyed = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}/" if key else ""
    return f"enrollment/{journey}/{customer}/{keyed}{run}"


def downgrade() -> None:
    op.drop_column("operation", "asked_by")
    op.drop_column("operation", "note")
    op.drop_column("operation", "cursor")
    op.drop_column("operation", "error_count")

    op.drop_column("movement", "seconds")

    op.drop_table("delivery_event")
    op.drop_column("message", "delivery")
    op.drop_column("message", "template_version")

    op.drop_column("journey", "alarm")
    op.drop_column("journey", "archived_at")
    op.drop_column("journey", "paused_at")

    op.drop_column("enrollment", "shifts")
    op.drop_column("enrollment", "paused_by")
    op.drop_column("enrollment", "workflow_id")

    op.drop_column("api_key", "rate")
    op.drop_column("api_key", "expires_at")

    with op.batch_alter_table("alias", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alias_customer_id"))

    op.drop_table("alias")
    op.drop_table("upload_part")
    op.drop_table("topic")
    op.drop_table("tombstone")
    op.drop_table("template_version")
    op.drop_table("template")
    op.drop_table("setting")
    op.drop_table("run_count")
    op.drop_table("operation_error")
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotent_answer_at"))

    op.drop_table("idempotent_answer")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_target")

    op.drop_table("audit")
