"""Who comes in to the pages and how; what a forged form, a foreign page and a role that lacks come to."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from services.access.signing_in import passwords, sessions, sign_in, users
from services.jobs.mails import sign_in_mail
from store.tables.access import Audit, Operation
from store.tables.messages import OutboxMail
from store.tables.users import User, UserSession
from tests.conftest import settings_for
from waypost.processes.api import build
from waypost.wiring import Parts

HERE = "http://127.0.0.1:8000"
BROWSER = {"Accept": "text/html", "Origin": HERE, "User-Agent": "Firefox"}
PASSWORD = "correct horse battery"


@pytest.fixture
def visit(parts: Parts, keys: dict[str, str]) -> Callable[..., TestClient]:
    """A browser without a session, under settings."""

    def make(base_url: str = HERE, **more: Any) -> TestClient:
        parts.settings = settings_for(parts.settings.home, **more)
        parts.__dict__.pop("links", None)
        app = build(parts)
        made = TestClient(app, client=("127.0.0.1", 50_000), base_url=base_url, raise_server_exceptions=False)
        made.headers.update(BROWSER | {"Origin": base_url})
        made.follow_redirects = False
        return made

    return make


@pytest.fixture
def user(parts: Parts) -> Callable[..., User]:
    def make(email: str, *roles: str, password: str | None = None) -> User:
        def work(session: Any) -> User:
            made = users.invite(session, email, email.partition("@")[0].title(), roles, None, parts.clock())
            made.password = passwords.hashed(password) if password else None
            return made

        return parts.database.write(work)

    return make


@pytest.fixture
def signed_in(visit: Callable[..., TestClient], user: Callable[..., User]) -> Callable[..., TestClient]:
    """The browser of somebody with these roles."""

    def make(email: str, *roles: str) -> TestClient:
        made = visit()
        user(email, *roles, password=PASSWORD)
        assert made.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 303
        return made

    return make


def token(browser: TestClient, page: str = "/account") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{32})"', browser.get(page).text)
    assert found is not None
    return found[1]


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def audit(parts: Parts) -> list[tuple[str, str, str]]:
    with parts.database.reading() as session:
        return [(one.actor, one.action, one.target) for one in session.exec(select(Audit).order_by(col(Audit.id)))]


# -- coming in ---------------------------------------------------------------------------------------------------------


def test_a_person_is_led_to_the_sign_in_and_back(visit: Callable[..., TestClient], user: Callable[..., User]) -> None:
    browser = visit()
    assert browser.get("/").headers["location"] == "/sign-in?to=/"
    assert browser.get("/users?cursor=a").headers["location"] == "/sign-in?to=/users%3Fcursor%3Da"
    assert "Nobody has an account yet" in browser.get("/sign-in").text
    user("ann@shop.example", "admin", password=PASSWORD)
    assert 'value="/users?cursor=a"' in browser.get("/sign-in?to=/users%3Fcursor%3Da").text
    answer = browser.post("/sign-in", data={"email": " ANN@shop.example", "password": PASSWORD, "to": "/users"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/users")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("waypost=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie, "this machine speaks no TLS"
    assert browser.get("/users").status_code == 200


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "evil"])
def test_nobody_is_led_elsewhere_behind_the_sign_in(
    visit: Callable[..., TestClient], user: Callable[..., User], elsewhere: str
) -> None:
    user("ann@shop.example", "admin", password=PASSWORD)
    asked = {"email": "ann@shop.example", "password": PASSWORD, "to": elsewhere}
    assert visit().post("/sign-in", data=asked).headers["location"] == "/"


def test_over_tls_the_cookie_is_of_this_host_alone(visit: Callable[..., TestClient], user: Callable[..., User]) -> None:
    user("ann@shop.example", "admin", password=PASSWORD)
    browser = visit("http://desk.shop.example", pages_url="https://desk.shop.example")
    browser.headers["Origin"] = "https://desk.shop.example"
    answer = browser.post("/sign-in", data={"email": "ann@shop.example", "password": PASSWORD})
    assert re.match(
        r"__Host-waypost=[\w-]{43}; HttpOnly; .*Path=/; SameSite=lax; Secure$", answer.headers["set-cookie"]
    )


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    visit: Callable[..., TestClient], user: Callable[..., User]
) -> None:
    user("ann@shop.example", "admin", password=PASSWORD)
    user("bea@shop.example", "support")
    browser, told = visit(), set[str]()
    for email in ("ann@shop.example", "bea@shop.example", "eve@shop.example", "no address"):
        answer = browser.post("/sign-in", data={"email": email, "password": "wrong"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        told.add(answer.text.replace(email, "").partition("</style>")[2] or answer.text.replace(email, ""))
    assert len(told) == 1
    mailed = {browser.post("/sign-in/link", data={"email": email}).text.replace(email, "")
              for email in ("ann@shop.example", "eve@shop.example")}  # fmt: skip
    assert len(mailed) == 1


def test_guessing_passwords_ends_and_a_link_still_lets_in(
    visit: Callable[..., TestClient], user: Callable[..., User], parts: Parts
) -> None:
    ann = user("ann@shop.example", "admin", password=PASSWORD)
    browser = visit()
    statuses = [browser.post("/sign-in", data={"email": "ann@shop.example", "password": "no"}).status_code
                for _ in range(11)]  # fmt: skip
    assert statuses == [401] * 10 + [429]
    refused = browser.post("/sign-in", data={"email": "ann@shop.example", "password": PASSWORD})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
    link = parts.database.write(lambda session: sign_in.link(session, ann.id, parts.clock(), sign_in.MAILED))
    assert browser.post(path(parts.links.sign_in_url(link.id))).headers["location"] == "/"


def test_a_link_comes_by_mail_and_signs_in_once(
    visit: Callable[..., TestClient], user: Callable[..., User], parts: Parts
) -> None:
    ann = user("ann@shop.example", "admin")
    browser = visit(pages_url="http://127.0.0.1:8000", public_url="https://mail.shop.example")
    for email in ("ann@shop.example", "eve@shop.example"):
        assert browser.post("/sign-in/link", data={"email": email}).status_code == 200
    with parts.database.reading() as session:
        (operation,) = session.exec(select(Operation)).all()
    assert (operation.kind, operation.asked_by) == (sign_in_mail.KIND, ann.id)
    assert "@" not in str(operation.request)
    assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, operation.id)) == "done"
    with parts.database.reading() as session:
        (mail,) = session.exec(select(OutboxMail)).all()
    (url,) = set(re.findall(r"http://127\.0\.0\.1:8000/sign-in/[\w.-]+", mail.text))
    assert (mail.to_address, mail.subject, url in mail.html) == ("ann@shop.example", "Sign in to Waypost", True)
    assert "for 30 minutes" in mail.text
    for _ in range(2):  # as scanners do
        assert "signs you in as <b>ann@shop.example</b>" in browser.get(path(url)).text
    assert browser.post(path(url)).headers["location"] == "/"
    assert browser.get("/").status_code == 200
    again = visit().post(path(url))
    assert (again.status_code, "was used or has expired" in again.text) == (409, True)
    assert visit().get("/sign-in/lnk_1.forged").status_code == 404


def test_whoever_starts_an_installation_becomes_its_admin_once(visit: Callable[..., TestClient], parts: Parts) -> None:
    link = parts.database.write(lambda session: sign_in.first_admin_link(session, parts.clock()))
    assert link is not None
    url, browser = path(parts.links.sign_in_url(link.id)), visit()
    assert "You are the first one here" in browser.get(url).text
    assert browser.post(url, data={"email": "nonsense"}).status_code == 422
    assert browser.post(url, data={"email": "ann@shop.example", "name": "Ann"}).status_code == 303
    assert "Invite a colleague" in browser.get("/users").text
    assert visit().post(url, data={"email": "eve@evil.example"}).status_code == 409
    with parts.database.reading() as session:
        (ann,) = session.exec(select(User)).all()
    assert audit(parts) == [(ann.id, "created", ann.id), (ann.id, "signed in by link", ann.id)]


def test_a_disabled_user_comes_in_by_nothing(
    visit: Callable[..., TestClient], signed_in: Callable[..., TestClient], parts: Parts
) -> None:
    signed_in("ann@shop.example", "admin")
    bea = signed_in("bea@shop.example", "support")
    assert bea.get("/").status_code == 200
    parts.database.write(
        lambda session: users.disable(session, users.get(session, "bea@shop.example").id, parts.clock())
    )
    assert bea.get("/").headers["location"] == "/sign-in?to=/"
    assert visit().post("/sign-in", data={"email": "bea@shop.example", "password": PASSWORD}).status_code == 401


# -- forms -------------------------------------------------------------------------------------------------------------


def test_a_form_without_the_sessions_token_changes_nothing(signed_in: Callable[..., TestClient], parts: Parts) -> None:
    browser, other = signed_in("ann@shop.example", "admin"), signed_in("bea@shop.example", "admin")
    asked = {"email": "eve@evil.example", "roles": ["admin"]}
    for forged in ({}, {"form_token": ""}, {"form_token": "0" * 32}, {"form_token": token(other)}, {"form_token": "é"}):
        assert browser.post("/users", data=asked | forged).status_code == 403
    assert (
        browser.post(
            "/users", data=asked | {"form_token": token(browser)}, headers={"Origin": "http://evil.example"}
        ).status_code
        == 403
    )
    del browser.headers["Origin"]
    assert browser.post("/users", data=asked | {"form_token": token(browser)}).status_code == 403
    with parts.database.reading() as session:
        assert len(session.exec(select(User)).all()) == 2


def test_a_key_may_look_and_change_nothing(
    visit: Callable[..., TestClient], keys: dict[str, str], parts: Parts
) -> None:
    """A browser sends what it was given for a realm with whatever another page posts."""
    browser = visit()
    assert browser.get("/users", auth=("any", keys["admin"])).status_code == 200
    asked = {"email": "eve@evil.example", "roles": ["admin"], "form_token": ""}
    refused = browser.post("/users", auth=("any", keys["admin"]), data=asked)
    assert (refused.status_code, "signs in by name" in refused.text) == (403, True)
    assert browser.get("/account", auth=("any", keys["admin"])).status_code == 403


def test_what_support_may_not_is_told_in_words_and_not_in_the_navigation(signed_in: Callable[..., TestClient]) -> None:
    signed_in("ann@shop.example", "admin")
    bea = signed_in("bea@shop.example", "support")
    refused = bea.get("/users")
    assert (refused.status_code, "needs the role admin" in refused.text) == (403, True)
    assert 'href="/users"' not in bea.get("/").text
    asked = {"email": "eve@evil.example", "roles": ["admin"], "form_token": token(bea)}
    assert bea.post("/users", data=asked).status_code == 403


def test_the_pages_answer_to_our_own_names_alone(signed_in: Callable[..., TestClient]) -> None:
    browser = signed_in("ann@shop.example", "admin")
    for page in ("/", "/users", "/account", "/sign-in"):
        assert browser.get(page, headers={"Host": "evil.example"}).status_code == 421


def test_what_nobody_knows_is_a_page_that_helps(signed_in: Callable[..., TestClient]) -> None:
    browser = signed_in("ann@shop.example", "admin")
    lost = browser.get("/custommers")
    assert (lost.status_code, "There is nothing here" in lost.text, 'href="/users"' in lost.text) == (404, True, True)
    assert browser.get("/v1/nothing").headers["content-type"] == "application/problem+json"
    assert browser.get("/nothing", headers={"Accept": "*/*"}).headers["content-type"] == "application/problem+json"


def test_a_page_runs_nothing_inline_and_loads_from_here_alone(signed_in: Callable[..., TestClient]) -> None:
    browser = signed_in("ann@shop.example", "admin")
    for page in ("/", "/users", "/account", "/nothing", "/sign-in"):
        shown = browser.get(page)
        policy = shown.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert (shown.headers["cache-control"], shown.headers["x-robots-tag"]) == ("no-store", "noindex")
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=|javascript:", shown.text), page
        for url in re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', shown.text):
            loaded = browser.get(url)
            assert loaded.status_code == 200, url
            assert loaded.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert browser.get(url, headers={"Accept-Encoding": "identity"}).text == loaded.text
    assert browser.get("/static/0000000000000000/app.css").status_code == 404


# -- one's own account -------------------------------------------------------------------------------------------------


def test_a_new_password_asks_for_the_former_one_and_ends_the_other_sessions(
    visit: Callable[..., TestClient], signed_in: Callable[..., TestClient]
) -> None:
    here, elsewhere = signed_in("ann@shop.example", "admin"), visit()
    elsewhere.post("/sign-in", data={"email": "ann@shop.example", "password": PASSWORD})
    asked = {"form_token": token(here), "password": "another horse entirely"}
    assert here.post("/account/password", data=asked | {"former": "wrong"}).status_code == 422
    assert here.post("/account/password", data=asked | {"former": PASSWORD, "password": "short"}).status_code == 422
    assert elsewhere.get("/account").status_code == 200
    assert here.post("/account/password", data=asked | {"former": PASSWORD}).status_code == 303
    assert (here.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 303)
    assert elsewhere.post("/sign-in", data={"email": "ann@shop.example", "password": PASSWORD}).status_code == 401


def test_sessions_are_listed_and_can_be_ended(
    visit: Callable[..., TestClient], signed_in: Callable[..., TestClient], parts: Parts
) -> None:
    here, elsewhere = signed_in("ann@shop.example", "admin"), visit()
    elsewhere.headers["User-Agent"] = "Phone <script>alert(1)</script>"
    elsewhere.post("/sign-in", data={"email": "ann@shop.example", "password": PASSWORD})
    shown = here.get("/account").text
    assert "Phone &lt;script&gt;" in shown
    (id,) = re.findall(r"/account/sessions/(ses_\w+)/end", shown)
    assert here.post(f"/account/sessions/{id}/end", data={"form_token": token(here)}).status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert here.post("/sign-out", data={"form_token": token(here)}).headers["location"] == "/sign-in"
    assert here.get("/account").status_code == 303
    with parts.database.reading() as session:
        assert all(one.revoked_at for one in session.exec(select(UserSession)))


def test_the_use_of_a_session_is_kept_by_the_minute(
    signed_in: Callable[..., TestClient], parts: Parts, clock: Any
) -> None:
    browser = signed_in("ann@shop.example", "admin")
    begun = clock()
    clock.forward(minutes=2)
    browser.get("/account")
    browser.app.state.backend.background.shutdown(wait=True)  # type: ignore[attr-defined]
    with parts.database.reading() as session:
        (row,) = session.exec(select(UserSession)).all()
    assert (row.created_at, row.last_used_at) == (begun, clock())
    assert row.hash != browser.cookies["waypost"]
    assert sessions.form_token(browser.cookies["waypost"]) == token(browser)


# -- colleagues --------------------------------------------------------------------------------------------------------


def test_an_admin_invites_changes_and_disables_and_the_log_names_them(
    signed_in: Callable[..., TestClient], visit: Callable[..., TestClient], client: TestClient
) -> None:
    ann = signed_in("ann@shop.example", "admin")
    asked = {
        "email": "bea@shop.example",
        "name": "<b>Bea</b> 🐝 \u202eRTL",
        "roles": ["support"],
        "form_token": token(ann),
    }
    shown = ann.post("/users", data=asked)
    assert (shown.status_code, "&lt;b&gt;Bea&lt;/b&gt; 🐝" in shown.text, "<b>Bea" in shown.text) == (200, True, False)
    assert "there is a user" in ann.post("/users", data=asked).text
    (url,) = re.findall(r'<code id="invitation">([^<]+)', shown.text)
    bea = visit()
    assert bea.post(path(url)).status_code == 303
    (row,) = [one for one in client.get("/v1/users").json()["items"] if one["email"] == "bea@shop.example"]
    changed = {"roles": ["marketer", "support"], "form_token": token(ann)}
    assert ann.post(f"/users/{row['id']}/roles", data=changed).status_code == 303
    assert client.get("/v1/users/bea@shop.example").json()["roles"] == ["support", "marketer"]
    assert ann.post(f"/users/{row['id']}/disable", data=changed).status_code == 303
    assert bea.get("/account").status_code == 303
    told = [(one["by"], one["action"]) for one in client.get(f"/v1/audit?target={row['id']}").json()["items"]]
    assert ("Ann", "disabled") in told
    assert ("Ann", "invited") in told


def test_users_over_the_api(client: TestClient, parts: Parts) -> None:
    asked = {"email": "bea@shop.example", "roles": ["admin"], "mail": False}
    made = client.post("/v1/users", json=asked)
    assert (made.status_code, made.json()["email"]) == (201, "bea@shop.example")
    assert client.post("/v1/users", json=asked).status_code == 409
    assert client.post("/v1/users", json=asked | {"roles": ["boss"]}).json()["path"] == "roles"
    id = made.json()["id"]
    assert client.patch(f"/v1/users/{id}", json={"name": "Bea"}).json()["name"] == "Bea"
    assert client.patch(f"/v1/users/{id}", json={"roles": ["support"]}).status_code == 409, "the last admin"
    assert client.post(f"/v1/users/{id}/disable").status_code == 409
    text = parts.database.write(lambda session: sessions.start(session, users.get(session, id), "x", parts.clock())[1])
    (row,) = client.get(f"/v1/users/{id}/sessions").json()
    assert client.delete(f"/v1/users/{id}/sessions/{row['id']}").status_code == 200
    with parts.database.reading() as session:
        assert sessions.find(session, text, parts.clock()) is None
    assert client.get("/v1/users/nobody").status_code == 404
