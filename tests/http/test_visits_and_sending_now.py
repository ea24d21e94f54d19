"""Where a customer has been as bars with the same as a table; and a mail that they wait for, sent now."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.enrollments.controls import asking
from services.reports.customer import stage_visits
from services.reports.customer.stage_visits import StageVisit
from store.queries.enrollment import enrollments
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.http.desks import token
from tests.shells import Shell
from waypost.wiring import Parts

Browser = Callable[..., TestClient]


def run_of(parts: Parts, shell: Shell) -> Enrollment:
    with parts.database.reading() as session:
        found = session.get(Enrollment, shell.enrollment)
        assert found is not None
        session.expunge(found)
        return found


def visits(parts: Parts, customer: str) -> list[StageVisit]:
    with parts.database.reading() as session:
        runs = enrollments.of_customer(session, customer)
        mails = session.exec(select(Message).where(Message.customer_id == customer)).all()
        return stage_visits.of(session, customer, runs, mails, {}, parts.clock())


# -- where they have been ----------------------------------------------------------------------------------------------


def test_each_visit_of_a_stage_has_its_instants_and_its_mails(
    client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    began = clock()
    run = run_of(parts, shells[0])
    clock.forward(hours=5)
    with parts.database.reading() as session:
        user = session.get_one(Message, visits(parts, run.customer_id)[0].mails[0].id).email.partition("@")[0]
    client.post("/v1/track", json={"userId": user, "event": "Paid"})
    shells[0].wake(clock())
    found = visits(parts, run.customer_id)
    assert [(one.stage, one.since, one.until, one.number, one.begun) for one in found] == [
        ("trial", began, clock(), 1, True), ("paying", clock(), None, 2, True)
    ]  # fmt: skip
    assert [[mail.template for mail in one.mails] for one in found] == [["mail_a"], ["mail_c"]]


def test_of_a_long_life_the_last_is_shown_and_that_there_was_more(
    shells: list[Shell], parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_visits, "DECISIONS", 1)
    (found,) = visits(parts, run_of(parts, shells[0]).customer_id)
    assert (found.stage, found.begun, found.until) == ("trial", False, None)


def test_the_bars_stand_above_the_timeline_with_a_table_of_the_same(
    browser: Browser, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    desk, run = browser("support"), run_of(parts, shells[0])
    clock.forward(hours=5)
    page = desk.get(f"/customers/{run.customer_id}").text
    assert f'src="/customers/{run.customer_id}/visits.svg?width=720"' in page
    table = page.partition("Visits of stages as a table")[2].partition("</table>")[0]
    for told in ("trial", "tour", "if nothing happens", '<a href="/messages/', "mail a"):
        assert told in table, told
    drawn = desk.get(f"/customers/{run.customer_id}/visits.svg?steps=true")
    assert (drawn.headers["content-type"], "mail b, foreseen" in drawn.text, "hatched" in drawn.text) == (
        "image/svg+xml", True, True
    )  # fmt: skip
    assert "style=" not in drawn.text
    views = {view: desk.get(f"/customers/{run.customer_id}/timeline?view={view}").text for view in ("all", "raw")}
    assert ["visits.svg" in views[view] for view in ("all", "raw")] == [True, False]
    assert "visits.svg?steps=true&amp;" in views["all"]
    assert desk.get("/customers/nobody/visits.svg").status_code == 404


def test_who_is_in_no_journey_has_no_bars(browser: Browser, client: TestClient) -> None:
    id = client.put("/v1/customers/new", json={"attributes": {"email": "new@example.com"}}).json()["id"]
    desk = browser("support")
    assert "visits.svg" not in desk.get(f"/customers/{id}").text
    assert "None yet." in desk.get(f"/customers/{id}/visits.svg").text


# -- sent now ----------------------------------------------------------------------------------------------------------


def test_a_mail_that_is_waited_for_is_asked_once_more_and_goes_on_record(
    browser: Browser, client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    desk, run = browser("support"), run_of(parts, shells[0])
    url = f"/enrollments/{run.id}/send-now"
    assert f'href="{url}"' in desk.get(f"/customers/{run.customer_id}").text
    asked = desk.get(url).text
    for told in ("Send mail b now?", "<b>mail b goes at once</b>", "The rest of that wait is passed over", "/skip"):
        assert told in asked, told
    typed = {"step": "trial/wait:3 days", "reason": "asked by phone", "form_token": token(asked)}
    assert desk.post(url, data=typed).headers["location"] == f"/customers/{run.customer_id}"
    with parts.database.reading() as session:
        mails = session.exec(select(Message).where(Message.enrollment_id == run.id)).all()
        assert sorted((one.template, str(one.status)) for one in mails) == [
            ("mail_a", "planned"),
            ("mail_b", "planned"),
        ]
    (entry,) = client.get(f"/v1/audit?target={run.id}").json()["items"]
    assert (entry["by"], entry["action"], entry["after"]["said"]) == ("Support", "skip", "send now: asked by phone")
    again = desk.post(url, data=typed)
    assert (again.status_code, "moved on since you looked" in again.text) == (409, True)
    gone = desk.get(url)
    assert (gone.status_code, "do not wait for a mail now" in gone.text) == (409, True)
    assert "send-now" not in desk.get(f"/customers/{run.customer_id}").text


def test_two_who_send_it_at_once_pass_one_wait_over(
    browser: Browser, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    """The first is asked for, and no worker has done it yet."""
    desk, run = browser("support"), run_of(parts, shells[0])
    url = f"/enrollments/{run.id}/send-now"
    typed = {"step": "trial/wait:3 days", "form_token": token(desk.get(url).text)}
    with parts.database.writing() as session:
        asking.ask(session, session.get_one(Enrollment, run.id), "skip", clock())
    second = desk.post(url, data=typed)
    assert (second.status_code, "just now" in second.text) == (409, True)


def test_what_the_policies_would_say_of_it_now_is_told_before(
    browser: Browser, client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    desk, run = browser("support"), run_of(parts, shells[0])
    url = f"/enrollments/{run.id}/send-now"
    quiet = {"from": f"{(clock().hour - 1) % 24:02}:00", "to": f"{(clock().hour + 2) % 24:02}:00"}
    settings = client.get("/v1/settings").json()
    assert client.put("/v1/settings", json={**settings, "quiet_hours": quiet}).status_code == 200
    put_off = desk.get(url).text
    assert ("It does not go at once" in put_off, "Plan it now" in put_off) == (True, True)
    client.put(f"/v1/customers/{run.customer_id}/consent/general", json={"granted": False})
    never = desk.get(url).text
    assert ("It would not go" in never, '<form method="post" action="/enrollments' in never) == (True, False)


def test_a_wait_that_is_over_is_not_passed_over_twice(
    browser: Browser, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    desk, run = browser("support"), run_of(parts, shells[0])
    url = f"/enrollments/{run.id}/send-now"
    typed = {"step": "trial/wait:3 days", "form_token": token(desk.get(url).text)}
    clock.forward(days=2)
    desk.get(url)  # a session lasts three days in which nothing is asked
    clock.forward(days=1, minutes=1)
    late = desk.post(url, data=typed)
    assert (late.status_code, "on its way by itself" in late.text) == (409, True)
    assert desk.post(url, data={**typed, "form_token": "0" * 32}).status_code == 403
    assert desk.post(url, data={**typed, "step": "<script>"}).status_code == 409
    assert desk.get("/enrollments/enr_nobody/send-now").status_code == 404


def test_a_marketer_lets_one_mail_past_hours_and_caps_and_says_why(
    browser: Browser, client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    run, settings = run_of(parts, shells[0]), client.get("/v1/settings").json()
    quiet = {"from": f"{(clock().hour - 1) % 24:02}:00", "to": f"{(clock().hour + 2) % 24:02}:00"}
    known = client.get(f"/v1/customers/{run.customer_id}").json()["customer"]
    named = {"email": known["email"], "first_name": "Ann"}
    assert client.put(f"/v1/customers/{known['external_id']}", json={"attributes": named}).status_code == 200
    held = {**settings, "quiet_hours": quiet, "cap": {"max": 1, "per": "7 days"}}
    assert client.put("/v1/settings", json=held).status_code == 200
    url, support, desk = f"/enrollments/{run.id}/send-now", browser("support"), browser("marketer")
    asked = support.get(url).text
    assert ("Send it past that" in asked, "A marketer can let this one mail" in asked) == (False, True)
    typed = {"step": "trial/wait:3 days", "past": "true", "reason": "asked by phone"}
    assert support.post(url, data={**typed, "form_token": token(asked)}).status_code == 403
    asked = desk.get(url).text
    assert "Send it past that" in asked
    bare = desk.post(url, data={**typed, "reason": " ", "form_token": token(asked)})
    assert (bare.status_code, "say why it may not wait" in bare.text) == (409, True)
    assert desk.post(url, data={**typed, "form_token": token(asked)}).status_code == 303
    pumped(parts)
    went = {
        one["template"]: one["status"] for one in client.get(f"/v1/messages?customer={run.customer_id}").json()["items"]
    }
    assert went == {"mail_a": "planned", "mail_b": "accepted"}, "the other one waits as before"
    (entry,) = client.get(f"/v1/audit?target={run.id}").json()["items"]
    assert entry["after"]["said"] == "send now, past hours and caps: asked by phone"
    story = client.get(f"/v1/customers/{run.customer_id}/timeline").json()["items"]
    assert [one["detail"]["past"] for one in story if one["detail"].get("past")] == ["quiet_hours"]


def test_nobody_lets_a_mail_past_a_no(
    browser: Browser, client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    desk, run = browser("marketer"), run_of(parts, shells[0])
    url = f"/enrollments/{run.id}/send-now"
    typed = {"step": "trial/wait:3 days", "past": "true", "reason": "x", "form_token": token(desk.get(url).text)}
    client.put(f"/v1/customers/{run.customer_id}/consent/general", json={"granted": False})
    assert desk.post(url, data=typed).status_code == 303
    with parts.database.reading() as session:
        mails = session.exec(select(Message).where(Message.enrollment_id == run.id)).all()
        assert ("mail_b", "skipped", "unsubscribed") in [(one.template, str(one.status), one.reason) for one in mails]


def test_the_api_lets_a_mail_past_hours_as_the_page_does(
    browser: Browser, client: TestClient, keys: dict[str, str], shells: list[Shell], parts: Parts, clock: Any
) -> None:
    run = run_of(parts, shells[0])
    url, said = f"/v1/enrollments/{run.id}", {"past_hours": True, "reason": "asked by phone"}
    support = {"Authorization": f"Bearer {keys['support']}"}
    assert client.post(f"{url}/skip", json=said, headers=support).status_code == 403
    assert client.post(f"{url}/skip", json={"past_hours": True}).json()["path"] == "reason"
    assert client.post(f"{url}/pause", json=said).json()["path"] == "past_hours"
    settings = client.get("/v1/settings").json()
    quiet = {"from": f"{(clock().hour - 1) % 24:02}:00", "to": f"{(clock().hour + 2) % 24:02}:00"}
    client.put("/v1/settings", json={**settings, "quiet_hours": quiet})
    assert client.post(f"{url}/skip", json=said).status_code == 200
    with parts.database.reading() as session:
        mails = session.exec(select(Message).where(Message.enrollment_id == run.id)).all()
        assert ("mail_b", "planned") in [(one.template, str(one.status)) for one in mails]


def test_a_mail_that_hours_hold_already_goes_past_them_alone(
    browser: Browser, client: TestClient, shells: list[Shell], parts: Parts, clock: Any
) -> None:
    run, settings = run_of(parts, shells[0]), client.get("/v1/settings").json()
    quiet = {"from": f"{(clock().hour - 1) % 24:02}:00", "to": f"{(clock().hour + 2) % 24:02}:00"}
    known = client.get(f"/v1/customers/{run.customer_id}").json()["customer"]
    named = {"email": known["email"], "first_name": "Ann"}
    client.put(f"/v1/customers/{known['external_id']}", json={"attributes": named})
    assert client.put("/v1/settings", json={**settings, "quiet_hours": quiet}).status_code == 200
    support, desk = browser("support"), browser("marketer")
    url, typed = f"/enrollments/{run.id}/send-now", {"step": "trial/wait:3 days", "reason": "early"}
    assert desk.post(url, data={**typed, "form_token": token(desk.get(url).text)}).status_code == 303
    pumped(parts)
    held = {one["template"]: one for one in client.get(f"/v1/messages?customer={run.customer_id}").json()["items"]}
    assert {name: one["status"] for name, one in held.items()} == {"mail_a": "planned", "mail_b": "deferred"}
    assert f'href="/messages/{held["mail_b"]["id"]}/send-now"' in desk.get(f"/customers/{run.customer_id}").text
    for template, mail in held.items():  # the one was put off by its wake, the other by the lane
        place = f"/messages/{mail['id']}"
        assert ("Send it past that" in support.get(place).text, "A marketer can" in support.get(place).text) == (
            False,
            True,
        )
        assert f'href="{place}/send-now"' in desk.get(place).text
        asked = desk.get(f"{place}/send-now").text
        assert "It waits: it is quiet hours where the customer is." in asked
        assert support.post(f"{place}/send-now", data={"form_token": "x"}).status_code == 403
        bare = desk.post(f"{place}/send-now", data={"form_token": token(asked), "reason": " "})
        assert (bare.status_code, "say why" in bare.text) == (409, True)
        typed = {"form_token": token(asked), "reason": "asked by phone"}
        assert desk.post(f"{place}/send-now", data=typed).headers["location"] == place
        pumped(parts)
        assert client.get(f"/v1{place}").json()["status"] == "accepted", template
        again = desk.post(f"{place}/send-now", data=typed)
        assert (again.status_code, "held by no hours" in again.text) == (409, True)
        assert client.post(f"/v1{place}/send-now", json={"reason": "again"}).status_code == 409
        assert "send-now" not in desk.get(place).text
        (entry,) = client.get(f"/v1/audit?target={mail['id']}").json()["items"]
        assert (entry["by"], entry["action"]) == ("Marketer", "sent past hours and caps")
    shells[0].wake(clock())
    clock.forward(hours=4)
    shells[0].wake(clock())
    went = [one["template"] for one in client.get(f"/v1/messages?customer={run.customer_id}").json()["items"]]
    assert sorted(went) == ["mail_a", "mail_b"], "the journey goes on, and sends neither once more"
    assert run_of(parts, shells[0]).wakes_at is None


def pumped(parts: Parts) -> None:
    """What is due has gone."""
    lane = parts.lane("journey")
    lane.take()

    async def pump() -> None:
        while await lane.pump():
            await lane.drain()

    asyncio.run(pump())
