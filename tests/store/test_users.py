"""Users, the links that sign them in once, and their sessions, on both databases."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from services.access.signing_in import passwords, roles, sessions, sign_in, users
from services.errors import InvalidInput, NotFound, Refused
from store.session import Database
from store.tables.users import User


@pytest.fixture
def invited(database: Database, noon: datetime) -> Callable[..., User]:
    def invite(email: str, *given: str) -> User:
        return database.write(lambda session: users.invite(session, email, "", given or ["support"], None, noon))

    return invite


def test_an_address_belongs_to_one_user_however_it_is_written(
    database: Database, noon: datetime, invited: Callable[..., User]
) -> None:
    bea = invited("Bea@Shop.Example")
    assert (bea.email, bea.name) == ("bea@shop.example", "bea")
    with pytest.raises(Refused, match="there is a user 'bea@shop.example' already"):
        invited(" bea@SHOP.example ")
    for wrong in ("", "bea", "@shop.example", "bea@", "b ea@shop.example", "bea\n@shop.example"):
        with pytest.raises(InvalidInput, match="write an email address"):
            invited(wrong)


def test_a_role_that_is_none_is_told(invited: Callable[..., User]) -> None:
    with pytest.raises(InvalidInput, match="there is no role 'suport'.*support"):
        invited("bea@shop.example", "suport")
    assert roles.read(["admin", "support", "admin"]) == ["support", "admin"]
    with pytest.raises(InvalidInput, match="at least one of the roles"):
        roles.read([])


def test_the_last_admin_stays_one(database: Database, noon: datetime, invited: Callable[..., User]) -> None:
    ann, bea = invited("ann@shop.example", "admin"), invited("bea@shop.example", "admin")

    def disable(one: User) -> User:
        return database.write(lambda session: users.disable(session, one.id, noon))

    assert disable(bea).disabled_at == noon
    with pytest.raises(Refused, match="the last admin"):
        disable(ann)
    with pytest.raises(Refused, match="the last admin"):
        database.write(lambda session: users.change(session, ann.id, ["support"], None))
    database.write(lambda session: users.enable(session, bea.id))
    assert database.write(lambda session: users.change(session, ann.id, ["support"], "Ann\x00 \n A.")).name == "Ann A."


def test_a_link_signs_in_once_and_for_its_time(
    database: Database, noon: datetime, invited: Callable[..., User]
) -> None:
    bea = invited("bea@shop.example")
    link = database.write(lambda session: sign_in.link(session, bea.id, noon, sign_in.MAILED))
    late = noon + sign_in.MAILED
    with pytest.raises(Refused, match="was used or has expired"):
        database.write(lambda session: sign_in.use(session, link.id, late))
    assert database.write(lambda session: sign_in.use(session, link.id, noon)).id == bea.id
    with pytest.raises(Refused, match="was used or has expired"):
        database.write(lambda session: sign_in.use(session, link.id, noon))


def test_a_link_for_the_first_admin_opens_as_long_as_there_is_nobody(database: Database, noon: datetime) -> None:
    first, other = (database.write(lambda session: sign_in.first_admin_link(session, noon)) for _ in range(2))
    assert first is not None
    assert other is not None
    ann = database.write(lambda session: sign_in.use(session, first.id, noon, "ann@shop.example", "Ann"))
    assert (ann.email, ann.roles) == ("ann@shop.example", ["admin"])
    with pytest.raises(Refused, match="there is an admin already"):
        database.write(lambda session: sign_in.use(session, other.id, noon, "eve@evil.example", "Eve"))
    assert database.write(lambda session: sign_in.first_admin_link(session, noon)) is None


def test_a_session_ends_idle_expired_revoked_or_with_its_user(
    database: Database, noon: datetime, invited: Callable[..., User]
) -> None:
    invited("ann@shop.example", "admin")
    bea = invited("bea@shop.example")

    def begin() -> tuple[str, str]:
        def work(session: Session) -> tuple[str, str]:
            made, text = sessions.start(session, users.get(session, bea.id), "a browser" * 100, noon)
            return made.id, text

        return database.write(work)

    def opens(text: str, at: datetime) -> bool:
        with database.reading() as session:
            return sessions.find(session, text, at) is not None

    (one, text), (other, second) = begin(), begin()
    assert opens(text, noon + sessions.IDLE)
    assert not opens(text, noon + sessions.IDLE + timedelta(seconds=1)), "idle"
    assert not opens("made up", noon)
    for day in range(1, 14):
        database.write(lambda session, day=day: sessions.used(session, one, noon + timedelta(days=day)))
    assert opens(text, noon + timedelta(days=13, hours=23))
    assert not opens(text, noon + sessions.LIFE), "expired"
    with pytest.raises(NotFound):
        database.write(lambda session: sessions.end(session, "usr_other", other, noon))
    database.write(lambda session: sessions.end(session, bea.id, other, noon))
    assert [opens(one, noon + timedelta(days=13)) for one in (text, second)] == [True, False]
    database.write(lambda session: users.disable(session, bea.id, noon))
    assert not opens(text, noon + timedelta(days=13))
    database.write(lambda session: users.enable(session, bea.id))
    assert not opens(text, noon + timedelta(days=13)), "whoever is let in again signs in anew"


def test_sessions_and_links_are_let_go_of_a_month_after_their_end(
    database: Database, noon: datetime, invited: Callable[..., User]
) -> None:
    bea = invited("bea@shop.example")
    text = database.write(lambda session: sessions.start(session, users.get(session, bea.id), "", noon)[1])
    database.write(lambda session: sessions.prune(session, noon + sessions.LIFE + sessions.KEPT))
    with database.reading() as session:
        assert sessions.find(session, text, noon) is not None
    database.write(lambda session: sessions.prune(session, noon + sessions.LIFE + sessions.KEPT + timedelta(seconds=1)))
    with database.reading() as session:
        assert sessions.find(session, text, noon) is None


def test_passwords_are_compared_by_argon2_and_nobodys_takes_as_long() -> None:
    kept = passwords.hashed("correct horse battery")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.fits(kept, "correct horse battery")
    assert not passwords.fits(kept, "correct horse batterz")
    assert not passwords.fits(None, "nobody's")


@pytest.mark.parametrize("easy", ["short", "aaaaaaaaaaaaaaaaaaaa", "bea@shop.example", "x" * 1_001])
def test_a_password_that_is_guessed_easily_is_refused(easy: str) -> None:
    with pytest.raises(InvalidInput):
        passwords.check(easy, "bea@shop.example")
