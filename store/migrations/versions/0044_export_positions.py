"""Every event, decision and mail has a position, in whose order it is exported: anew at each change.

PostgreSQL gives the number of the transaction, so that nobody reads past one that has not ended; SQLite counts. What
was there before has the position 0. With millions of rows the indexes take minutes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

EXPORTED = ("event", "decision", "message")

NUMBER = (
    "CREATE FUNCTION waypost_export_position() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "NEW.export_position := pg_current_xact_id()::text::bigint + (SELECT base FROM export_counter); "
    "RETURN NEW; END $$"
)

COUNT = (
    "BEGIN UPDATE export_counter SET base = base + 1; "
    "UPDATE {table} SET export_position = (SELECT base FROM export_counter) WHERE rowid = NEW.rowid; END"
)


def upgrade() -> None:
    counter = op.create_table(
        "export_counter",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("base", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "base": 0}])
    for table in EXPORTED:
        op.add_column(table, sa.Column("export_position", sa.BigInteger(), nullable=False, server_default="0"))
        op.create_index(f"ix_{table}_export", table, ["export_position", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(NUMBER)
        for table in EXPORTED:
            op.execute(
                f"CREATE TRIGGER waypost_export_position BEFORE INSERT OR UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION waypost_export_position()"
            )
    else:
        for table in EXPORTED:
            op.execute(f"CREATE TRIGGER {table}_export_new AFTER INSERT ON {table} {COUNT.format(table=table)}")
            op.execute(
                f"CREATE TRIGGER {table}_export_again AFTER UPDATE ON {table} "
                f"WHEN NEW.export_position <= OLD.export_position {COUNT.format(table=table)}"
            )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in EXPORTED:
        names = (
            (f"waypost_export_position ON {table}",) if postgresql else (f"{table}_export_new", f"{table}_export_again")
        )
        for name in names:
            op.execute(f"DROP TRIGGER {name}")
        op.drop_index(f"ix_{table}_export", table)
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("export_position")
    if postgresql:
        op.execute("DROP FUNCTION waypost_export_position()")
    op.drop_table("export_counter")
