"""Settings, keys and the audit log on the pages: changed once that was confirmed, shown once, and read with what differed."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.pages.frame import differences
from api.pages.frame.differences import PartDifference
from api.pages.settings.settings import SettingsForm
from services.access import audit_log
from services.access.keys import api_keys
from services.installation import installation_settings
from services.installation.installation_settings import (
    CapIn,
    InstallationSettings,
    QuietHours,
    Retention,
    TrackingIn,
    Utm,
)
from store.tables.access import ApiKey, Audit
from tests.http.desks import token
from tests.http.test_operations import rows
from waypost.wiring import Parts

FULL = InstallationSettings(
    timezone="Europe/Berlin", quiet_hours=QuietHours.model_validate({"from": "21:00", "to": "08:00"}),
    cap=CapIn(max=3, per="7 days"), sandbox=["me@example.com", "@example.org"], locale="de", control_group=5,
    one_profile_per_address=True, tracking=TrackingIn(opens=False, utm=Utm(source="shop")),
    retention=Retention(bodies=None, rejections=7), main_currency="EUR",
)  # fmt: skip


def loaded(parts: Parts) -> InstallationSettings:
    with parts.database.reading() as session:
        return installation_settings.load(session)


def fields(page: str) -> dict[str, str]:
    """What the form of a page holds, as a browser would send it."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {**{name: html.unescape(value) for name, value in found}, "form_token": token(page)}


def form(page: str, settings: InstallationSettings) -> dict[str, str]:
    """What an admin sends who typed these settings on this page."""
    return {**SettingsForm.of(settings).hidden, "seen": fields(page)["seen"], "form_token": token(page)}


def changes(parts: Parts) -> list[tuple[str, str, str]]:
    return [(one.action, one.kind, one.target) for one in rows(parts, Audit)]


@pytest.mark.parametrize("settings", [InstallationSettings(), FULL], ids=["none", "all"])
def test_settings_that_are_typed_are_those_that_were_kept(settings: InstallationSettings) -> None:
    assert SettingsForm.of(settings).wanted() == settings
    assert SettingsForm.model_validate(SettingsForm.of(settings).hidden).wanted() == settings


def test_no_setting_is_left_out_of_that() -> None:
    given = {name for name in InstallationSettings.model_fields if getattr(FULL, name) is not None}
    assert given == set(InstallationSettings.model_fields)


def test_a_change_of_settings_is_told_before_it_is_made(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("admin")
    with statements(parts.database, at_most=10):
        page = desk.get("/settings").text
    asked = desk.post("/settings", data=form(page, FULL))
    assert asked.status_code == 200
    for told in (
        "timezone: UTC becomes Europe/Berlin", "quiet hours.from: – becomes 21:00", "cap.max: – becomes 3",
        "retention.bodies: 365 becomes –", "one profile per address: no becomes yes", "That cannot be undone",
        "these addresses alone get mail", "is deleted in the background, for good",
    ):  # fmt: skip
        assert told in asked.text, told
    assert (loaded(parts), rows(parts, Audit)) == (InstallationSettings(), [])
    done = desk.post("/settings", data=fields(asked.text))
    assert (done.status_code, done.headers["location"]) == (303, "/settings")
    assert (loaded(parts), changes(parts)) == (FULL, [("changed", "settings", "settings")])
    shown = desk.get("/settings").text
    assert ('value="Europe/Berlin"' in shown, "@example.org" in shown) == (True, True)
    same = desk.post("/settings", data=form(shown, FULL))
    assert (same.status_code, "Nothing differs from the settings" in same.text) == (422, True)


def test_a_second_admin_writes_over_nothing(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    desk = browser("admin")
    asked = desk.post("/settings", data=form(desk.get("/settings").text, FULL))
    client.put("/v1/settings", json={"timezone": "Europe/Paris"})
    late = desk.post("/settings", data=fields(asked.text))
    assert (late.status_code, "nothing was written over" in late.text) == (412, True)
    assert loaded(parts).timezone == "Europe/Paris"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"timezone": "Europe/<b>Nowhere"}, "timezone"),
        ({"quiet_from": "late"}, "quiet hours"),
        ({"cap_max": "0", "cap_per": "7 days"}, "cap.max"),
        ({"cap_max": "3", "cap_per": "often"}, "is not a duration"),
        ({"control_group": "51"}, "control group"),
        ({"keep_bodies": "some"}, "retention.bodies"),
        ({"unsure_then": "hope"}, "unsure.then"),
    ],
)
def test_settings_that_are_none_are_told_beside_what_was_typed(
    browser: Callable[..., TestClient], parts: Parts, changed: dict[str, str], told: str
) -> None:
    desk = browser("admin")
    refused = desk.post("/settings", data={**form(desk.get("/settings").text, InstallationSettings()), **changed})
    assert (refused.status_code, told in refused.text, "<b>Nowhere" in refused.text) == (422, True, False), refused.text
    assert loaded(parts) == InstallationSettings()


def test_support_and_marketers_see_settings_and_change_none(browser: Callable[..., TestClient], parts: Parts) -> None:
    for role in ("support", "marketer"):
        desk = browser(role)
        page = desk.get("/settings").text
        assert ("<fieldset disabled>" in page, "Show what that changes" in page, 'href="/keys"' in page) == (
            True, False, False,
        )  # fmt: skip
        assert desk.post("/settings", data=form(page, FULL)).status_code == 403
        for path in ("/keys", "/audit", "/keys/key_1/revoke"):
            assert desk.get(path).status_code == 403
        for path in ("/keys", "/keys/key_1/revoke", "/keys/key_1/origins"):
            assert desk.post(path, data={"form_token": token(page), "name": "x"}).status_code == 403
    assert loaded(parts) == InstallationSettings()
    forged = browser("admin").post("/settings", data=SettingsForm.of(FULL).hidden)
    assert (forged.status_code, loaded(parts)) == (403, InstallationSettings())


def test_a_key_is_shown_once_and_revoked_once_that_was_confirmed(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("admin")
    page = desk.get("/keys").text
    assert "No key yet" in page
    said = {"form_token": token(page), "name": "<b>shop</b>", "scopes": ["ingest"], "expires": "2999-01-01",
            "rate": "60/minute", "origins": "https://shop.example\n"}  # fmt: skip
    made = desk.post("/keys", data=said).text
    found = re.search(r'<code id="made">(wp_[\w-]{40,})</code>', made)
    assert found is not None
    (kept,) = rows(parts, ApiKey)
    assert (kept.name, kept.scopes, kept.rate, kept.origins) == (
        "<b>shop</b>", ["ingest"], "60/minute", ["https://shop.example"],
    )  # fmt: skip
    assert kept.expires_at == datetime(2999, 1, 1, tzinfo=UTC)
    with parts.database.reading() as session:
        assert api_keys.find(session, found[1], parts.clock()) is not None
    with statements(parts.database, at_most=4):
        again = desk.get("/keys").text
    assert (found[1] in again, kept.hash in again, "<b>shop" in again, kept.prefix in again) == (
        False, False, False, True,
    )  # fmt: skip
    asked = desk.get(f"/keys/{kept.id}/revoke").text
    assert ("is refused from now on, for good" in asked, "It was never used." in asked) == (True, True)
    done = desk.post(f"/keys/{kept.id}/revoke", data={"form_token": token(asked), "reason": "it leaked"})
    assert done.status_code == 303
    assert rows(parts, ApiKey)[0].revoked_at == parts.clock()
    assert "revoked</span>" in desk.get("/keys").text
    assert changes(parts) == [("created", "key", kept.id), ("revoked", "key", kept.id)]
    assert found[1] not in repr([one.after for one in rows(parts, Audit)])
    assert desk.get("/keys/key_gone/revoke").status_code == 404


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scopes": ["king"]}, "a key has at least one of the scopes"),
        ({"scopes": []}, "a key has at least one of the scopes"),
        ({"scopes": ["browser", "admin"]}, "stands in a page, and has no other scope"),
        ({"expires": "2001-01-01"}, "lies in the past"),
        ({"expires": "soon"}, "say the day as 2026-12-31"),
        ({"rate": "often"}, "write a number per span"),
        ({"name": " "}, "name: String should have at least 1 character"),
        ({"scopes": ["admin"], "origins": "https://shop.example"}, "may stand in a page"),
    ],
)
def test_a_key_that_is_none_is_told_beside_what_was_typed(
    browser: Callable[..., TestClient], parts: Parts, changed: dict[str, Any], told: str
) -> None:
    desk = browser("admin")
    said = {"form_token": token(desk.get("/keys").text), "name": "shop", "scopes": ["ingest"], **changed}
    refused = desk.post("/keys", data=said)
    assert (refused.status_code, told in refused.text) == (422, True), refused.text
    assert rows(parts, ApiKey) == []


def test_the_pages_that_may_call_with_a_key_are_named_in_its_row(
    browser: Callable[..., TestClient], parts: Parts
) -> None:
    with parts.database.writing() as session:
        id = api_keys.create(session, "shop", ["browser"], parts.clock())[0].id
    desk = browser("admin")
    said = {"form_token": token(desk.get("/keys").text), "origins": "https://a.example\nhttps://b.example"}
    assert desk.post(f"/keys/{id}/origins", data=said).status_code == 303
    assert rows(parts, ApiKey)[0].origins == ["https://a.example", "https://b.example"]
    wrong = desk.post(f"/keys/{id}/origins", data={**said, "origins": "not an origin"})
    assert (wrong.status_code, changes(parts)) == (422, [("changed", "key", id)])


def test_the_audit_log_names_people_and_shows_what_differed(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts, statements: Any
) -> None:
    desk = browser("admin")
    assert "Nothing was changed yet" in desk.get("/audit").text
    client.put("/v1/topics/news", json={"name": "<b>News</b>"})
    client.put("/v1/topics/news", json={"name": "More news", "cap": {"max": 2, "per": "7 days"}})
    with parts.database.writing() as session:
        audit_log.record(
            session, "cli", "ended", "enrollment", "enr_1", parts.clock(), said="<i>asked</i>",
            after={"ended_at": "2026-01-02T10:30:00Z", "day": "2026-01-02", "T": "9999-12-31T23:59:59Z"},
        )  # fmt: skip
    with statements(parts.database, at_most=7):
        shown = desk.get("/audit").text
    assert ("<b>News" in shown, "<i>asked" in shown, "&lt;i&gt;asked" in shown) == (False, False, True)
    assert "<del><bdi>&lt;b&gt;News&lt;/b&gt;</bdi></del> <ins><bdi>More news</bdi></ins>" in shown
    desk.cookies.set("zone", "Europe/Berlin")
    theirs = desk.get("/audit").text
    assert ('title="2026-01-02 10:30:00 UTC">2 Jan' in theirs, ", 11:30</time></ins>" in theirs) == (True, True)
    assert ("<ins><bdi>2026-01-02</bdi>" in theirs, "<ins><bdi>9999-12-31T23:59:59Z</bdi>" in theirs) == (True, True)
    assert '<a href="/topics/news/edit"><bdi>news</bdi></a>' in shown
    assert re.search(r'href="/audit\?actor=key_\w+"><bdi>admin</bdi>', shown)
    found = {"kind=topic": 2, "kind=enrollment": 1, "kind=topic&target=news": 2, "actor=cli": 1, "target=nobody": 0}
    assert {query: desk.get(f"/audit?{query}").text.count("all about it") for query in found} == found
    assert "Nothing was changed so" in desk.get("/audit?target=nobody").text
    more = re.search(r'class="more"><a href="([^"]+)"', desk.get("/audit?kind=topic&limit=1").text)
    assert more is not None
    rest = desk.get(more[1].replace("&amp;", "&")).text
    assert (rest.count("all about it"), "created the topic" in rest) == (1, True)


def test_what_differs_is_told_part_by_part_and_of_texts_the_lines_that_differ() -> None:
    before = {
        "name": "a",
        "cap": {"max": 1, "per": "day"},
        "on": True,
        "tags": ["x"],
        "text": "one\ntwo\nthree",
        "same": 1,
    }
    after = {"name": "b", "cap": None, "on": False, "tags": [], "text": "one\n2\nthree", "same": 1}
    assert differences.between(before, after) == [
        PartDifference(name="cap.max", before="1", after="–"),
        PartDifference(name="cap.per", before="day", after="–"),
        PartDifference(name="name", before="a", after="b"),
        PartDifference(name="on", before="yes", after="no"),
        PartDifference(name="tags", before='["x"]', after="[]"),
        PartDifference(name="text", before="two", after="2"),
    ]
    assert differences.between(None, {"name": "a"}) == [PartDifference(name="name", before="–", after="a")]
    assert differences.between({"a": 1}, {"a": 1}) == differences.between(None, None) == []
