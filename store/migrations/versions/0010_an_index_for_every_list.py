"""An index for every list, in its order; lanes look only at what waits."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PLANNED, TO_MANY = "status = 'planned'", "broadcast IS NOT NULL"

OLD = {
    "ix_message_due": ("message", ("lane", "status", "not_before")),
    "ix_message_customer": ("message", ("customer_id", "planned_at")),
    "ix_message_broadcast": ("message", ("broadcast", "status", "not_before")),
    "ix_message_turn": ("message", ("lane", "status", "journey", "not_before")),
    "ix_delivery_event_message_id": ("delivery_event", ("message_id",)),
    "ix_audit_target": ("audit", ("kind", "target")),
    "ix_enrollment_place": ("enrollment", ("journey", "status", "stage", "step")),
    "ix_enrollment_customer_id": ("enrollment", ("customer_id",)),
    "ix_customer_email": ("customer", ("email",)),
}
NEW = {
    "ix_message_due": ("message", ("lane", "not_before"), PLANNED),
    "ix_message_turn": ("message", ("lane", "journey", "not_before", "id"), PLANNED),
    "ix_message_broadcast_turn": ("message", ("broadcast", "not_before", "id"), PLANNED),
    "ix_message_held": ("message", ("lane", "id"), "status IN ('claimed', 'sending')"),
    "ix_message_unknown": ("message", ("lane", "id"), "status = 'unknown'"),
    "ix_message_planned": ("message", ("planned_at", "id"), None),
    "ix_message_customer": ("message", ("customer_id", "planned_at", "id"), None),
    "ix_message_journey": ("message", ("journey", "planned_at", "id"), None),
    "ix_message_journey_status": ("message", ("journey", "status", "planned_at", "id"), None),
    "ix_message_broadcast": ("message", ("broadcast", "planned_at", "id"), TO_MANY),
    "ix_message_broadcast_status": ("message", ("broadcast", "status", "planned_at", "id"), TO_MANY),
    "ix_message_step": ("message", ("step", "planned_at", "id"), None),
    "ix_message_template": ("message", ("template", "planned_at", "id"), None),
    "ix_message_status": ("message", ("status", "planned_at", "id"), None),
    "ix_delivery_event_message": ("delivery_event", ("message_id", "at", "id"), None),
    "ix_audit_target": ("audit", ("kind", "target", "id"), None),
    "ix_audit_kind": ("audit", ("kind", "id"), None),
    "ix_audit_any_target": ("audit", ("target", "id"), None),
    "ix_audit_actor": ("audit", ("actor", "id"), None),
    "ix_operation_kind": ("operation", ("kind", "id"), None),
    "ix_operation_status": ("operation", ("status", "id"), None),
    "ix_rejection_type": ("rejection", ("type", "id"), None),
    "ix_enrollment_customer": ("enrollment", ("customer_id", "id"), None),
    "ix_enrollment_journey": ("enrollment", ("journey", "id"), None),
    "ix_enrollment_journey_status": ("enrollment", ("journey", "status", "id"), None),
    "ix_enrollment_journey_stage": ("enrollment", ("journey", "stage", "id"), None),
    "ix_enrollment_place": ("enrollment", ("journey", "status", "stage", "id"), None),
    "ix_enrollment_stage": ("enrollment", ("stage", "id"), None),
    "ix_enrollment_step": ("enrollment", ("step", "id"), "step IS NOT NULL"),
    "ix_enrollment_status": ("enrollment", ("status", "id"), None),
    "ix_event_timeline": ("event", ("customer_id", "at", "seq"), None),
    "ix_customer_email": ("customer", ("email", "id"), None),
    "ix_suppression_reason": ("suppression", ("reason", "email"), None),
}


def upgrade() -> None:
    for name, (table, _) in OLD.items():
        op.drop_index(name, table)
    for name, (table, columns, where) in NEW.items():
        only = None if where is None else sa.text(where)
        op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    for name, (table, _, _) in NEW.items():
        op.drop_index(name, table)
    for name, (table, columns) in OLD.items():
        op.create_index(name, table, list(columns))
