"""The home is its owner's alone, and its admin key never stops a start."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.access.keys import api_keys
from services.errors import InvalidInput
from store.migrate import upgrade
from store.session import Database
from tests.conftest import HandClock, settings_for
from waypost.errors import CannotStart
from waypost.private_files import make_private, write_private
from waypost.processes.admin_key import AdminKey, ensure_admin_key
from waypost.settings import Settings
from waypost.stack import home
from waypost.wiring import Parts

STRONG = "wp_5f3c1f0f9a4d4c0e8b7a6d21c9e4b7f0a1"


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("usual_umask")
def test_a_new_database_is_its_owners_alone_and_so_are_the_files_beside_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'waypost.db'}")
    with database.writing() as session:
        session.connection().exec_driver_sql("CREATE TABLE t (n INTEGER)")
    with database.reading():
        assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
            "waypost.db": "0o600",
            "waypost.db-next": "0o600",
            "waypost.db-turn": "0o600",
            "waypost.db-wal": "0o600",
            "waypost.db-shm": "0o600",
        }
    database.close()


@pytest.mark.usefixtures("usual_umask")
def test_what_an_earlier_start_left_open_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "templates").mkdir()
    for name in (
        "waypost.db", "waypost.db-wal", "temporal.db", "logs/api.log", "templates/mine.html", "hooks.secret", "secret",
    ):  # fmt: skip
        (home / name).touch()
    make_private(home)
    write_private(home / "admin.key", "k")
    assert {str(path.relative_to(tmp_path)): mode(path) for path in tmp_path.rglob("*")} == {
        "home": "0o700",
        "home/logs": "0o700",
        "home/logs/api.log": "0o600",
        "home/waypost.db": "0o600",
        "home/waypost.db-wal": "0o600",
        "home/temporal.db": "0o600",
        "home/secret": "0o600",
        "home/hooks.secret": "0o600",
        "home/admin.key": "0o600",
        "home/templates": "0o755",
        "home/templates/mine.html": "0o644",
    }


# -- the admin key -----------------------------------------------------------------------------------------------------


def installed(home: Path, clock: HandClock, key: str | None = None) -> Parts:
    parts = Parts(settings_for(home, admin_key=key), clock)
    upgrade(parts.database.engine)
    return parts


def revoke(parts: Parts, text: str) -> None:
    with parts.database.writing() as session:
        found = api_keys.find(session, text, parts.clock())
        assert found is not None
        api_keys.revoke(session, found.id, parts.clock())


def live(parts: Parts, text: str) -> bool:
    with parts.database.reading() as session:
        return api_keys.find(session, text, parts.clock()) is not None


def test_the_first_start_makes_a_key_and_the_next_finds_it(tmp_path: Path, clock: HandClock) -> None:
    parts = installed(tmp_path, clock)
    made = ensure_admin_key(parts).made
    assert made is not None
    assert (tmp_path / "admin.key").read_text().strip() == made
    assert ensure_admin_key(parts) == AdminKey()


def test_after_the_key_of_the_home_was_revoked_the_next_start_makes_another(tmp_path: Path, clock: HandClock) -> None:
    parts = installed(tmp_path, clock)
    first = ensure_admin_key(parts).made
    assert first is not None
    revoke(parts, first)
    second = ensure_admin_key(parts).made
    assert second is not None
    assert (live(parts, first), live(parts, second)) == (False, True)
    assert (tmp_path / "admin.key").read_text().strip() == second


def test_a_key_of_the_environment_that_was_revoked_stays_so_and_is_told(tmp_path: Path, clock: HandClock) -> None:
    parts = installed(tmp_path, clock, STRONG)
    assert ensure_admin_key(parts) == AdminKey(made=STRONG)
    assert not (tmp_path / "admin.key").exists()
    revoke(parts, STRONG)
    for _ in range(2):
        told = ensure_admin_key(parts)
        assert told.made is None
        assert told.warning is not None
        assert told.warning.startswith("WAYPOST_ADMIN_KEY was revoked or has expired")
    assert not live(parts, STRONG)


def test_a_key_of_the_home_from_another_database_goes_on(tmp_path: Path, clock: HandClock) -> None:
    write_private(tmp_path / "admin.key", STRONG)
    parts = installed(tmp_path, clock)
    assert ensure_admin_key(parts) == AdminKey(made=STRONG)
    assert live(parts, STRONG)


@pytest.mark.parametrize(
    "weak", ["admin", "wp_" + "a" * 60, "abcabcabcabcabcabcabcabcabcabcabcabc", "short-but-Various-1234"]
)
def test_a_weak_key_is_refused(tmp_path: Path, clock: HandClock, weak: str) -> None:
    parts = installed(tmp_path, clock, weak)
    with pytest.raises(CannotStart, match=r"^WAYPOST_ADMIN_KEY: .*openssl rand -hex 24"):
        ensure_admin_key(parts)
    with pytest.raises(InvalidInput), parts.database.writing() as session:
        api_keys.create(session, "x", ["admin"], parts.clock(), weak)


# -- ports -------------------------------------------------------------------------------------------------------------


def test_the_pages_of_temporal_move_with_its_port(tmp_path: Path) -> None:
    assert settings_for(tmp_path).ui_port == 8233
    assert settings_for(tmp_path, temporal_port=17233).ui_port == 18233
    assert settings_for(tmp_path, temporal_port=17233, temporal_ui_port=9999).ui_port == 9999
    assert settings_for(tmp_path, temporal_port=65000).ui_port == 64000


def test_two_parts_that_want_one_port_are_told_before_anything_starts() -> None:
    wanted = {"WAYPOST_PORT": 18431, "WAYPOST_TEMPORAL_PORT": 17431, "WAYPOST_TEMPORAL_UI_PORT": 18431}
    with pytest.raises(CannotStart) as refused:
        home.check_ports(wanted)
    assert str(refused.value) == (
        "WAYPOST_PORT and WAYPOST_TEMPORAL_UI_PORT are both the port 18431; set one of them to another free port"
    )


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = Settings(_env_file=None, home=tmp_path)  # type: ignore[call-arg]
    first.make_secrets()
    kept = {name: (tmp_path / name).read_text().strip() for name in ("secret", "hooks.secret")}
    assert {mode(tmp_path / name) for name in kept} == {"0o600"}
    later = Settings(_env_file=None, home=tmp_path)  # type: ignore[call-arg]
    later.make_secrets()
    assert kept == {"secret": later.signing_secret, "hooks.secret": later.webhook_secret}
