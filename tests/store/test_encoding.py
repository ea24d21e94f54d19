"""A database whose encoding cannot hold every name is told in a sentence, before anything is written to it."""

import secrets
from pathlib import Path

import psycopg
import pytest
import typer

from store import migrate
from store.session import Database
from tests.conftest import settings_for
from waypost.cli.terminal import failures_as_sentences
from waypost.doctor.installation import examine


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def other(request: pytest.FixtureRequest, postgres: str) -> str:
    """The URL of an empty database in another encoding than UTF-8."""
    base, _, rest = postgres.rpartition("?")
    server, name = f"{base.rpartition('/')[0]}/postgres?{rest}", f"other_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        create = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{request.param}' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(create)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return f"{base.rpartition('/')[0]}/{name}?{rest}"


def test_another_encoding_is_told_in_a_sentence(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(other)
    with pytest.raises(typer.Exit), failures_as_sentences():
        migrate.upgrade(database.engine)
    database.close()
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("waypost: the database keeps its text as ")
    assert told.endswith("make one with CREATE DATABASE waypost TEMPLATE template0 ENCODING 'UTF8'")


def test_the_doctor_says_the_same(other: str, tmp_path: Path) -> None:
    found = {one.check: one for one in examine(settings_for(tmp_path, database_url=other, port=1))}
    assert "keeps its text as" in found["database"].text
