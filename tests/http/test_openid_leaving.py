"""Whoever came by the provider signs out, there too; and whoever the provider lets in no more comes in by no other way."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
from fastapi.testclient import TestClient
from sqlmodel import Session

from services.access.signing_in import passwords, sign_in, users
from store.tables.users import User
from tests.http.desks import HERE, token
from tests.http.openid_visits import audit, comes_back, the_user
from tests.openid_provider import CLIENT, TestProvider
from waypost.wiring import Parts


def test_signing_out_ends_the_session_here(visit: Callable[..., TestClient]) -> None:
    browser = visit()
    comes_back(browser)
    said = {"form_token": token(browser.get("/account").text)}
    assert browser.post("/sign-out", data=said, headers={"Origin": HERE}).headers["location"] == "/sign-in"
    assert browser.get("/").headers["location"] == "/sign-in?to=/"


def signs_out(browser: TestClient) -> httpx.Response:
    said = {"form_token": token(browser.get("/account").text)}
    return browser.post("/sign-out", data=said, headers={"Origin": HERE})


def test_where_the_provider_offers_it_its_session_is_ended_by_a_link_too(
    visit: Callable[..., TestClient], provider: TestProvider
) -> None:
    provider.signs_out = True
    browser = visit()
    cookie = next(one for one in comes_back(browser).headers.get_list("set-cookie") if "waypost-provider" in one)
    for told in ("HttpOnly", "SameSite=strict", "Path=/sign-out", "Max-Age=1209600"):
        assert told in cookie
    answer = signs_out(browser)
    assert (answer.status_code, "You are signed out here" in answer.text, "Home" in answer.text) == (200, True, False)
    assert browser.get("/").headers["location"] == "/sign-in?to=/"
    found = re.search(r'href="([^"]+)">Sign out there, too', answer.text)
    assert found is not None
    place = urlsplit(unescape(found[1]))
    asked = {name: values[0] for name, values in parse_qs(place.query).items()}
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{provider.issuer}/logout"
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == (CLIENT, f"{HERE}/sign-in")
    assert cookie.startswith(f"waypost-provider={asked['id_token_hint']};")
    assert "waypost-provider" not in browser.cookies


def test_a_provider_that_is_away_ends_no_session_but_ours_and_that_is_told(
    visit: Callable[..., TestClient], provider: TestProvider
) -> None:
    provider.signs_out = True
    browser = visit()
    comes_back(browser)
    provider.broken = "<html>Bad gateway"
    assert "You may still be signed in there" in signs_out(browser).text
    assert browser.get("/").headers["location"] == "/sign-in?to=/"


def test_a_token_that_no_browser_keeps_is_left_out(visit: Callable[..., TestClient], provider: TestProvider) -> None:
    provider.signs_out = True
    provider.person["groups"] = ["crm", *(f"a group with a long name {number}" for number in range(300))]
    browser = visit()
    assert comes_back(browser).status_code == 303
    answer = signs_out(browser).text
    assert ("/logout?client_id=waypost" in answer, "id_token_hint" in answer) == (True, False)


def test_the_link_for_the_first_admin_stays_open_until_there_is_one(
    visit: Callable[..., TestClient], parts: Parts
) -> None:
    link = parts.database.write(lambda session: sign_in.first_admin_link(session, parts.clock()))
    comes_back(visit())
    assert the_user(parts).roles == ["marketer"]
    assert parts.database.write(lambda session: sign_in.first_admin_link(session, parts.clock())) is not None
    assert link is not None
    browser, place = visit(), urlsplit(parts.links.sign_in_url(link.id)).path
    browser.headers["Origin"] = HERE
    assert browser.get(place).status_code == 200
    assert browser.post(place, data={"email": "Bea@shop.example"}).status_code == 303, "she is here already"
    assert the_user(parts).roles == ["marketer", "admin"]
    assert ("Bea became the first admin as", {"roles": ["marketer", "admin"]}) in audit(parts)
    assert parts.database.write(lambda session: sign_in.first_admin_link(session, parts.clock())) is None


def test_whoever_is_in_no_group_any_more_comes_in_by_no_other_way(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    parts.database.write(lambda session: users.invite(session, "ann@shop.example", "", ["admin"], None, parts.clock()))
    comes_back(visit())

    def has_a_password(session: Session) -> None:
        session.get_one(User, the_user(parts).id).password = passwords.hashed("correct horse battery")

    parts.database.write(has_a_password)
    browser = visit()
    browser.headers["Origin"] = HERE
    said = {"email": "bea@shop.example", "password": "correct horse battery"}
    assert browser.post("/sign-in", data=said).status_code == 303
    provider.person["groups"] = ["all"]
    assert comes_back(visit()).status_code == 403
    assert browser.post("/sign-in", data=said).status_code == 401
    assert the_user(parts).disabled_at is not None
