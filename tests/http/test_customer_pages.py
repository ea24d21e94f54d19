"""The pages of customers: whom they find, what they show of hostile values, and who may change what by them."""

import re
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from services.customers.audiences import attribute_search
from store.tables.access import Audit
from store.tables.enrollments import ControlRequest, Enrollment
from store.tables.messages import Message, MessageBody
from tests.http import tour
from tests.http.desks import token
from tests.shells import Shell
from waypost.wiring import Parts

HOSTILE = "<script>alert(1)</script>\" onmouseover='x' \u202e🐝 " + "N" * 10_000


def path(client: TestClient, user: str) -> str:
    return f"/customers/{client.get(f'/v1/customers/{user}').json()['customer']['id']}"


def mail_of(parts: Parts) -> str:
    with parts.database.reading() as session:
        return session.exec(select(Message).order_by(col(Message.id))).first().id


def test_customers_are_found_by_parts_of_their_names_and_by_ids_of_what_is_theirs(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("support")
    assert desk.get("/customers?query=c3@exam").text.count('<a href="/customers/cus_') == 1
    assert desk.get("/customers").text.count('<a href="/customers/cus_') == tour.CUSTOMERS
    assert "Nobody is found" in desk.get("/customers?query=nobody").text
    with parts.database.reading() as session:
        mail = session.exec(select(Message)).first()
    for id in (mail.id, mail.enrollment_id, mail.customer_id):
        assert desk.get(f"/customers?query={id}").headers["location"] == f"/customers/{mail.customer_id}"
        assert mail.customer_id in desk.get(f"/customers/suggested?query={id}").text
    part = desk.get("/customers?query=c3", headers={"HX-Request": "true"}).text
    assert ("<html" in part, "c3@example.com" in part) == (False, True)


def test_where_a_customer_is_and_what_comes_next_stands_on_one_page(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts, statements: Any
) -> None:
    desk, page = browser("support"), path(client, "c0")
    desk.get(page)
    with statements(parts.database, at_most=60):
        shown = desk.get(page).text
    assert len(shown) < 60_000
    for told in (
        "trial</b>",
        "wait 3 days",
        "mail b",
        "Paid (to paying)",
        "mail a",
        "As the API sees it",
        "v1/customers/cus_",
    ):
        assert told in shown, told
    drawn = desk.get(re.findall(r'src="(/customers/[^"]+\.svg)"', shown)[0])
    assert ("you are here" in drawn.text, drawn.headers["content-type"]) == (True, "image/svg+xml")
    why = desk.get(f"{page}/why?journey=tour&step=mail_b").text
    assert "mail_b goes on" in why
    for view in ("compact", "all", "raw"):
        assert "Signed Up" in desk.get(f"{page}/timeline?view={view}").text


def test_properties_that_look_like_our_own_words_are_shown_as_they_came(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell]
) -> None:
    """What an event says of guards, reasons and instants is the customer's, and may be anything."""
    odd = {
        "guards": ["x", {"guard": 1}], "seen": {"a": [1, None]}, "reason": "<b>", "since": "2026-13-45T99:99:00Z",
        "until": "0001-01-01T00:00:00+14:00", "at": "9999-12-31T23:59:59-12:00", "on": "2026-03-01T09:00:00+01:00",
    }  # fmt: skip
    assert client.post("/v1/track", json={"userId": "c0", "event": "Paid", "properties": odd}).status_code == 200
    desk, page = browser("support"), path(client, "c0")
    for view in ("compact", "all", "raw"):
        assert desk.get(f"{page}/timeline?view={view}").status_code == 200, view
    shown = desk.get(page).text
    for told in ("2026-13-45T99:99:00Z", "0001-01-01T00:00:00+14:00", "&lt;b&gt;", 'title="2026-03-01 08:00:00 UTC"'):
        assert told in shown, told


def test_hostile_names_are_letters_and_nothing_else(browser: Callable[..., TestClient], client: TestClient) -> None:
    traits = {"email": "eve@example.com", "first_name": HOSTILE, "plan<b>": {"<i>": [HOSTILE] * 2}}
    assert client.put("/v1/customers/eve", json={"attributes": traits}).status_code == 200
    client.post("/v1/track", json={"userId": "eve", "event": "<u>Bought</u>", "properties": {"<s>": HOSTILE}})
    desk = browser("support")
    page = path(client, "eve")
    for url in (
        page,
        "/customers",
        "/customers/suggested?query=eve",
        f"{page}/timeline?view=all",
        f"{page}/timeline?view=raw",
    ):
        shown = desk.get(url).text
        for tag in ("<script>alert", "<i>", "<u>", "<s>", '<b>"', "onmouseover='x'"):
            assert tag not in shown, (url, tag)
    assert "&lt;script&gt;alert(1)" in desk.get(page).text


def test_what_is_a_marketers_is_not_done_by_support_and_is_on_record_by_name(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts
) -> None:
    desk, boss, page = browser("support"), browser("marketer"), path(client, "c0")
    forms = {f"{page}/consent/general": {"granted": "false"}, f"{page}/suppress": {}, f"{page}/unsuppress": {}}
    for url, data in forms.items():
        refused = desk.post(url, data={**data, "form_token": token(desk.get(page).text)})
        assert (refused.status_code, "needs the role marketer" in refused.text) == (403, True), url
    for url, data in forms.items():
        assert boss.post(url, data={**data, "form_token": token(boss.get(page).text)}).status_code == 303, url
    told = client.get(f"/v1/audit?target={page.rpartition('/')[2]}").json()["items"]
    assert [(one["by"], one["action"]) for one in told if one["by"]] == [
        ("Marketer", "unsuppressed"), ("Marketer", "suppressed"), ("Marketer", "withdrew")
    ]  # fmt: skip
    assert "told Marketer" in boss.get(page).text
    with parts.database.reading() as session:
        assert "@" not in str(
            [(one.before, one.after) for one in session.exec(select(Audit)) if one.kind == "customer"]
        )


def test_a_control_that_nobody_can_carry_out_is_told_beside_its_question(
    browser: Callable[..., TestClient], shells: list[Shell]
) -> None:
    desk = browser("support")
    url = f"/enrollments/{shells[0].enrollment}/move"
    asked = desk.get(url).text
    assert ("enter the other anew" in asked, '<option value="paying">' in asked) == (True, True)
    wrong = desk.post(url, data={"place": "nowhere", "form_token": token(asked)})
    assert (wrong.status_code, "there is no stage &#39;nowhere&#39;" in wrong.text) == (409, True)
    assert desk.post(url, data={"place": "paying"}).status_code == 403
    assert desk.get("/enrollments/enr_nobody/pause").status_code == 404
    assert desk.get(f"/enrollments/{shells[0].enrollment}/erase").status_code == 422


def test_a_form_that_is_posted_twice_is_done_once(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    desk, url = browser("support"), f"/enrollments/{shells[0].enrollment}/move"
    asked = desk.get(url).text
    (once,) = re.findall(r'name="once" value="(ctl_\w+)"', asked)
    form = {"place": "paying", "once": once, "form_token": token(asked)}
    assert [desk.post(url, data=form).status_code for _ in range(2)] == [303, 303]
    with parts.database.reading() as session:
        asked_for = [one.id for one in session.exec(select(ControlRequest)) if one.verb == "move"]
        moves = [one for one in session.exec(select(Audit)) if one.action == "move"]
    assert (asked_for, len(moves)) == ([once], 1)
    again = desk.get(url).text
    assert once not in again, "who asks anew means it anew"
    wrong = desk.post(url, data={**form, "once": "everybody's", "form_token": token(again)})
    assert wrong.status_code == 422


def test_a_mail_is_shown_in_a_frame_that_runs_and_loads_nothing(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts
) -> None:
    html = (
        '<script>alert(1)</script><img src="https://evil.example/a.png"><img src="data:image/gif;base64,AAAA"><p>Hi</p>'
    )
    id = mail_of(parts)
    with parts.database.writing() as session:
        mail = session.get(Message, id)
        session.add(
            MessageBody(
                message_id=id, customer_id=mail.customer_id, subject="Hi", html=html, text="Hi", frozen_at=parts.clock()
            )
        )
    desk = browser("support")
    shown = desk.get(f"/messages/{id}")
    assert ("sandbox src=" in shown.text, "<script>alert" in shown.text) == (True, False)
    body = desk.get(f"/messages/{id}/body")
    policy = body.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert 'data-src="https://evil.example/a.png"' in body.text
    assert '<img src="data:' in body.text
    assert desk.get("/messages/nobody").status_code == 404
    assert desk.get(f"/messages/{id}/body", headers={"Host": "evil.example"}).status_code == 421


def test_what_a_page_of_the_shop_sends_is_shown_as_it_is_and_breaks_no_timeline(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell]
) -> None:
    desk, guards = (
        browser("support"),
        [{"guard": "customer.vip", "holds": True, "seen": 5}, {"guard": "x", "holds": True, "seen": "abc"}],
    )
    told = {"guards": guards, "to": "first_ann@shop.example", "reason": "SAVE_10"}
    assert client.post("/v1/track", json={"userId": "c0", "event": "Sent", "properties": told}).status_code == 200
    for view in ("compact", "all", "raw"):
        page = desk.get(f"{path(client, 'c0')}/timeline?view={view}")
        assert (page.status_code, "first_ann@shop.example" in page.text, "SAVE_10" in page.text) == (200, True, True)
        assert "badge good" not in page.text.partition("Sent")[2].partition("</li>")[0], view


def test_mails_to_everybody_are_found_by_what_became_of_them_and_by_what_they_are(
    browser: Callable[..., TestClient], shells: list[Shell], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get("/messages")
    with statements(parts.database, at_most=9):
        shown = desk.get("/messages?status=planned&template=mail_a").text
    assert shown.count('<a href="/messages/') == tour.CUSTOMERS
    assert ("mail a</a>" in shown, "c0@example.com" in shown, "/v1/messages?status=planned" in shown) == (True,) * 3
    assert "None is so" in desk.get("/messages?template=nothing").text
    first = desk.get("/messages?limit=2").text
    older = first.partition('<p class="more"><a href="')[2].partition('"')[0].replace("&amp;", "&")
    assert older.startswith("/messages?cursor=")
    assert desk.get(older).status_code == 200


def test_a_marketer_lets_somebody_into_a_journey_by_hand_as_its_rule_allows_and_support_does_not(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], parts: Parts
) -> None:
    client.put("/v1/customers/new", json={"attributes": {"email": "new@example.com"}})
    desk, page = browser("marketer"), path(client, "new")
    assert f'href="{page}/enter"' in desk.get(page).text
    asked = desk.get(f"{page}/enter").text
    assert ("<option>tour</option>" in asked, "They begin in its first stage" in asked) == (True, True)
    said = {"form_token": token(asked), "journey": "tour", "reason": "asked by phone"}
    done = desk.post(f"{page}/enter", data=said, follow_redirects=False)
    assert (done.status_code, done.headers.get("location")) == (303, page), done.text
    (run,) = client.get("/v1/enrollments?customer=new").json()["items"]
    assert (run["journey"], run["source"]) == ("tour", "person")
    with parts.database.reading() as session:
        noted = session.exec(select(Audit).where(Audit.target == run["id"])).one()
    assert (noted.action, noted.after["said"]) == ("enrolled", "asked by phone")
    again = desk.post(f"{page}/enter", data=said)
    assert (again.status_code, 'role="alert"' in again.text) == (409, True)
    support = browser("support")
    assert f"{page}/enter" not in support.get(page).text
    assert support.get(f"{page}/enter").status_code == 403


def test_what_was_spent_has_the_decimals_of_its_currency(
    browser: Callable[..., TestClient], client: TestClient
) -> None:
    desk = browser("support")
    for user, currency in (("yui", "JPY"), ("ann", "EUR")):
        order = {"order_id": user, "total": 12345.0, "currency": currency}
        client.post("/v1/track", json={"userId": user, "event": "Order Completed", "properties": order})
    told = {user: desk.get(path(client, user)).text for user in ("yui", "ann")}
    assert ("12,345 JPY" in told["yui"], "12,345.00 EUR" in told["ann"]) == (True, True)


def test_the_filters_of_the_mails_offer_what_there_is(browser: Callable[..., TestClient], shells: list[Shell]) -> None:
    page = browser("support").get("/messages").text
    offered = {
        name: page.partition(f'<datalist id="{name}s">')[2].partition("</datalist>")[0]
        for name in ("template", "journey")
    }
    assert ('value="mail_a"' in offered["template"], offered["journey"]) == (True, '<option value="tour"></option>')


def test_customers_are_found_by_stage_segment_and_attribute_and_the_filters_offer_what_there_is(
    browser: Callable[..., TestClient], client: TestClient, shells: list[Shell], monkeypatch: Any
) -> None:
    monkeypatch.setattr(attribute_search, "LOOKED", 4)
    monkeypatch.setattr(attribute_search, "AT_ONCE", 2)
    oldest = min(client.get("/v1/customers").json()["items"], key=lambda one: one["id"])
    client.put(f"/v1/customers/{oldest['external_id']}", json={"attributes": {"country": HOSTILE, "plan": "Team"}})
    client.put("/v1/segments/all", json={"guard": "true"})
    desk = browser("support")
    page = desk.get("/customers").text
    assert ('<option value="plan"></option>' in page, '<option value="all">all</option>' in page) == (True, True)
    first = desk.get("/customers?attribute=plan&value=team").text
    assert ("Nobody is found" in first, "4 customers were looked through" in first, "Look further" in first) == (
        True,
        True,
        True,
    )
    (further,) = re.findall(r'href="(/customers\?[^"]+cursor=[^"]+)"', first)
    second = desk.get(further.replace("&amp;", "&")).text
    assert (second.count('<a href="/customers/cus_'), oldest["email"] in second) == (1, True)
    assert (
        "<script>alert" not in desk.get("/customers", params={"attribute": HOSTILE[:300], "value": HOSTILE[:300]}).text
    )
    part = desk.get("/customers?attribute=plan", headers={"HX-Request": "true"}).text
    assert "<html" not in part


def test_one_that_is_stuck_is_tried_again_from_the_customers_page(
    browser: Callable[..., TestClient], parts: Parts, shells: list[Shell]
) -> None:
    desk = browser("support")
    run = shells[0].enrollment
    with parts.database.reading() as session:
        customer = session.exec(select(Enrollment.customer_id).where(Enrollment.id == run)).one()
    url = f"/enrollments/{run}/retry"
    assert url not in desk.get(f"/customers/{customer}").text, "it goes by itself"
    with parts.database.writing() as session:
        session.connection().execute(
            update(Enrollment).where(col(Enrollment.id) == run).values(stuck="no such template")
        )
    assert f'href="{url}">Try again</a>' in desk.get(f"/customers/{customer}").text
    asked = desk.get(url)
    assert (asked.status_code, "Try again" in asked.text) == (200, True)
    said = {"form_token": token(asked.text)}
    assert desk.post(url).status_code == 403, "a form of somebody else's"
    assert desk.post(url, data=said, follow_redirects=False).status_code == 303
    assert url not in desk.get(f"/customers/{customer}").text
    again = desk.post(url, data=said)
    assert (again.status_code, "it is not stuck" in again.text) == (409, True)
