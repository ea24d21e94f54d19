"""Signing in by the provider of the house: who comes in, as what, and every answer of it that lets nobody in."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlmodel import select

from api.deps.sign_in_rates import PROVIDER_THERE
from services.access.signing_in import users
from store.tables.users import User, UserIdentity, UserSession
from tests.conftest import HandClock, settings_for
from tests.http.desks import HERE
from tests.http.openid_visits import BEA, audit, comes_back, the_user, there
from tests.openid_provider import CLIENT, TestProvider, new_key
from waypost.wiring import Parts


def test_whoever_is_in_a_group_comes_in_with_its_roles_and_by_name(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    browser = visit(openid_button="Sign in with Shop Login")
    form = browser.get("/sign-in?to=/journeys").text
    assert 'href="http://127.0.0.1:8000/sign-in/openid?to=/journeys">Sign in with Shop Login</a>' in form
    answer = comes_back(browser, "/journeys")
    assert (answer.status_code, answer.headers["location"]) == (303, "/journeys")
    assert browser.get("/journeys").status_code == 200
    assert browser.get("/users").status_code == 403, "a marketer"
    bea = the_user(parts)
    assert (bea.name, bea.roles, bea.password) == ("Bea", ["marketer"], None)
    assert audit(parts) == [
        ("Bea created", {"roles": ["marketer"]}), ("Bea signed in by the provider", None),
    ]  # fmt: skip
    assert provider.asked.count("/userinfo") == 0, "the ID token had told all"


def test_the_way_there_is_bound_to_the_browser_and_asks_for_no_more_than_is_needed(
    visit: Callable[..., TestClient],
) -> None:
    browser = visit()
    answer = browser.get("/sign-in/openid")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("waypost-openid=")
    for told in ("HttpOnly", "SameSite=lax", "Max-Age=600"):
        assert told in cookie
    assert asked.keys() == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip
    assert (asked["scope"], asked["redirect_uri"]) == ("openid email profile", f"{HERE}/sign-in/openid/back")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert asked["state"] not in cookie
    assert browser.get("/sign-in/openid").headers["location"] != answer.headers["location"]


def test_over_tls_no_other_host_can_set_what_binds_it(visit: Callable[..., TestClient]) -> None:
    browser = visit("http://desk.shop.example", pages_url="https://desk.shop.example")
    cookie = browser.get("/sign-in/openid").headers["set-cookie"]
    assert cookie.startswith("__Host-waypost-openid=")
    assert "Secure" in cookie


def test_an_invited_address_that_is_verified_becomes_that_user(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    invited = parts.database.write(
        lambda session: users.invite(session, "bea@shop.example", "Beatrix", ["support"], None, parts.clock())
    )
    assert comes_back(visit()).status_code == 303
    assert (the_user(parts).id, the_user(parts).name, the_user(parts).roles) == (invited.id, "Beatrix", ["marketer"])
    assert ("Beatrix changed by their groups", {"roles": ["marketer"]}) in audit(parts)
    provider.person |= {"email": "beatrix@shop.example", "email_verified": False}
    assert comes_back(visit()).status_code == 303, "known by what the provider calls her, whatever her address"
    provider.person |= {"sub": "another", "email": "bea@shop.example", "email_verified": True}
    refused = comes_back(visit())
    assert (refused.status_code, "another account of the provider" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ({"email_verified": False}, "has not verified your address"),
        ({"email_verified": None}, "has not verified your address"),
        ({"email_verified": 1}, "has not verified your address"),
        ({"groups": ["all"]}, "in no group that may work here"),
        ({"groups": {"crm": True}}, "in no group that may work here"),
        ({"groups": None}, "in no group that may work here"),
    ],
)
def test_who_may_not_come_in_is_told_why(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts, person: dict[str, Any], told: str
) -> None:
    provider.person |= person
    refused = comes_back(visit())
    assert (refused.status_code, told in refused.text, "Other ways to sign in" in refused.text) == (403, True, True)
    with parts.database.reading() as session:
        assert (session.exec(select(User)).all(), session.exec(select(UserIdentity)).all()) == ([], [])


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "somebody else"}, {"aud": ["else", "others"]}, {"iss": "http://evil"},
        {"exp": 1}, {"exp": None}, {"sub": None}, {"iat": None}, {"azp": "somebody else"},
    ],
)  # fmt: skip
def test_a_token_that_is_not_of_this_sign_in_lets_nobody_in(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts, lies: dict[str, Any]
) -> None:
    provider.lies = lies
    refused = comes_back(visit())
    assert (refused.status_code, "did not prove who you are" in refused.text) == (403, True)
    with parts.database.reading() as session:
        assert session.exec(select(User)).all() == []


def test_a_forged_signature_lets_nobody_in(visit: Callable[..., TestClient], provider: TestProvider) -> None:
    provider.signs_with = new_key()
    assert comes_back(visit()).status_code == 403


def test_a_token_that_nobody_signed_lets_nobody_in(
    visit: Callable[..., TestClient], provider: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = provider.token

    def unsigned(nonce: str) -> str:
        header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        return f"{header}.{signed(nonce).split('.')[1]}."

    monkeypatch.setattr(provider, "token", unsigned)
    assert comes_back(visit()).status_code == 403


def test_what_came_back_once_does_not_again_nor_in_another_browser(
    visit: Callable[..., TestClient], provider: TestProvider
) -> None:
    browser, thief = visit(), visit()
    assert browser.get(there(browser).replace("state=", "state=0")).status_code == 400
    assert "waypost-openid" not in browser.cookies
    place = there(browser)
    kept = browser.cookies["waypost-openid"]
    assert thief.get(place).status_code == 400
    there(thief)
    assert thief.get(place).status_code == 400, "the state is of another browser"
    assert browser.get(place).status_code == 303
    again = browser.get(place)
    assert (again.status_code, "was used" in again.text) == (400, True)
    browser.cookies.set("waypost-openid", kept)
    assert browser.get(place).status_code == 403, "the provider takes a code once"


def test_a_code_of_another_browser_proves_nobody(visit: Callable[..., TestClient]) -> None:
    """Somebody else's code, put into one's own sign-in: the verifier does not fit."""
    browser, thief = visit(), visit()
    code = parse_qs(urlsplit(there(browser)).query)["code"][0]
    state = parse_qs(urlsplit(there(thief)).query)["state"][0]
    assert thief.get("/sign-in/openid/back", params={"code": code, "state": state}).status_code == 403


def test_roles_follow_the_groups_at_each_sign_in_and_without_one_the_sessions_end(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    first = visit()
    comes_back(first)
    provider.person["groups"] = "chiefs"
    assert comes_back(visit()).status_code == 303
    assert the_user(parts).roles == ["support", "approver"]
    assert first.get("/").status_code == 200
    provider.person["groups"] = ["all"]
    assert comes_back(visit()).status_code == 403
    assert first.get("/").headers["location"] == "/sign-in?to=/"
    assert [told for told, _ in audit(parts)][-1] == "Bea was disabled for want of a group"
    with parts.database.reading() as session:
        assert all(one.revoked_at for one in session.exec(select(UserSession)))


def test_the_last_admin_is_not_taken_away_by_a_group(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    provider.person["groups"] = ["it"]
    comes_back(visit())
    provider.person["groups"] = ["crm"]
    refused = comes_back(visit())
    assert (refused.status_code, "Make another one first" in refused.text) == (403, True)
    assert the_user(parts).roles == ["admin"]


def test_whoever_is_disabled_stays_out(visit: Callable[..., TestClient], parts: Parts) -> None:
    comes_back(visit())
    parts.database.write(lambda session: users.disable(session, the_user(parts).id, parts.clock()))
    refused = comes_back(visit())
    assert (refused.status_code, "is disabled" in refused.text) == (403, True)


def test_what_the_token_does_not_tell_is_asked_for_beside_it(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    provider.person = {"sub": "248289"}
    provider.tells_apart = {**BEA, "groups": ["it"]}
    assert comes_back(visit()).status_code == 303
    assert the_user(parts).roles == ["admin"]
    provider.tells_apart["sub"] = "somebody else"
    assert comes_back(visit()).status_code == 403


def test_a_provider_signs_by_rsa_and_names_groups_as_it_likes(
    visit: Callable[..., TestClient], clock: HandClock, parts: Parts
) -> None:
    other = TestProvider(clock, "RSA")
    try:
        other.person = {**BEA, "https://shop.example/teams": ["crm"], "groups": ["it"]}
        browser = visit(openid_issuer=other.issuer, openid_groups_claim="https://shop.example/teams")
        assert comes_back(browser).status_code == 303
        assert the_user(parts).roles == ["marketer"]
    finally:
        other.close()


def test_clocks_may_differ_by_a_minute(
    visit: Callable[..., TestClient], provider: TestProvider, clock: HandClock
) -> None:
    provider.clock = lambda: clock() + timedelta(seconds=50)
    assert comes_back(visit()).status_code == 303


def test_a_provider_that_is_away_leaves_the_other_ways_open(
    visit: Callable[..., TestClient], provider: TestProvider, parts: Parts
) -> None:
    browser = visit()
    parts.database.write(lambda session: users.invite(session, "ann@shop.example", "", ["admin"], None, parts.clock()))
    place = there(browser)
    for broken in ("<html>Bad gateway", "[]", '{"issuer": "https://evil.example"}', "x" * 2_000_000):
        provider.broken = broken
        away = visit().get("/sign-in/openid?to=/journeys")
        assert (away.status_code, "does not answer just now" in away.text) == (503, True)
        assert "Mail me a link" in away.text
        assert 'value="/journeys"' in away.text
    provider.server.server_close()
    assert browser.get(place).status_code == 503
    browser.headers["Origin"] = HERE
    assert browser.post("/sign-in/link", data={"email": "ann@shop.example"}).status_code == 200


def test_who_says_no_there_is_told_so(visit: Callable[..., TestClient]) -> None:
    browser = visit()
    state = parse_qs(urlsplit(there(browser)).query)["state"][0]
    refused = browser.get("/sign-in/openid/back", params={"error": "access_denied", "state": state})
    assert (refused.status_code, "The provider did not sign you in" in refused.text) == (403, True)


def test_the_provider_is_not_asked_without_end(visit: Callable[..., TestClient]) -> None:
    browser = visit()
    statuses = [browser.get("/sign-in/openid/back").status_code for _ in range(PROVIDER_THERE.amount + 1)]
    assert (set(statuses[:-1]), statuses[-1]) == ({400}, 429)


def test_without_a_provider_there_is_no_button(visit: Callable[..., TestClient]) -> None:
    browser = visit(openid_issuer=None, openid_client_id=None)
    assert "company account" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/openid").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"openid_issuer": "http://login.shop.example"}, "openid_issuer"),
        ({"openid_issuer": "https://login.shop.example?a=b"}, "openid_issuer"),
        ({"openid_client_id": None}, "openid_client_id"),
        ({"openid_roles": {}}, "openid_roles"),
        ({"openid_roles": '{"crm": "boss"}'}, "openid_roles"),
        ({"openid_roles": "crm"}, "openid_roles"),
        ({"openid_scopes": "email"}, "openid_scopes"),
    ],
)
def test_a_provider_that_is_half_named_is_told_at_the_start(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    asked = {
        "openid_issuer": "https://login.shop.example",
        "openid_client_id": CLIENT,
        "openid_roles": '{"crm": "admin"}',
    }
    assert settings_for(tmp_path, **asked).openid_roles == {"crm": ("admin",)}
    with pytest.raises(ValidationError) as refused:
        settings_for(tmp_path, **{**asked, **wrong})
    assert refused.value.errors()[0]["loc"][0] == told
