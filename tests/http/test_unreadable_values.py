"""What cannot be read is told, never zero and never now; clocks that are off, zones that are learned late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from store.tables.enrollments import Dispatch, Enrollment
from tests.conftest import HandClock
from tests.shells import Shell
from waypost.client import Waypost
from waypost.doctor import installation
from waypost.wiring import Parts

TRIAL = """
journey: trial-end
enter: [{on: Trial Started}]
start: a
stages:
  a:
    steps:
      - wait: {until: customer.trial, offset: -3 days, at: "09:00"}
      - send: mail_a
    transitions: [{after: 40 days, to: b}]
  b: {final: true}
"""
MORNING = 'journey: morning\nenter: [{on: Signed Up}]\nstart: a\nstages: {a: {steps: [{wait: {until: "09:00"}}, {send: mail_a}]}}'
BIRTHDAY = "journey: birthday\nenter: [{date: customer.birthday, every: year}]\nstart: a\nstages: {a: {steps: [{send: mail_a}]}}"


def published(client: TestClient, text: str) -> None:
    key = text.strip().partition("\n")[0].removeprefix("journey: ")
    assert client.put(f"/v1/journeys/{key}", content=text).status_code == 200
    assert client.post(f"/v1/journeys/{key}/publish").status_code == 200


def does(client: TestClient, event: str, user: str = "ann", **more: Any) -> None:
    assert client.post("/v1/track", json={"userId": user, "event": event, **more}).json()["accepted"] == 1


def is_said(client: TestClient, user: str = "ann", **traits: Any) -> None:
    assert client.post("/v1/identify", json={"userId": user, "traits": traits}).json()["accepted"] == 1


def shell(parts: Parts) -> Shell:
    with parts.database.reading() as session:
        return Shell(parts.database, session.exec(select(Enrollment)).one())


def profile(client: TestClient) -> dict[str, Any]:
    return client.get("/v1/customers/ann").json()["customer"]


def pokes(parts: Parts) -> int:
    with parts.database.reading() as session:
        return len(session.exec(select(Dispatch).where(col(Dispatch.kind) == "poke")).all())


def unreadable(client: TestClient, **params: str) -> list[dict[str, Any]]:
    return client.get("/v1/unreadable-values", params=params).json()["items"]


def why(client: TestClient, **params: str) -> dict[str, Any]:
    return client.get("/v1/customers/ann/why", params=params).json()


def timeline(client: TestClient, what: str) -> list[dict[str, Any]]:
    return [one for one in client.get("/v1/customers/ann/timeline").json()["items"] if one["what"] == what]


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", [1_773_360_000, "1773360000", 1_773_360_000_000, " 2026-03-13"])
def test_a_date_is_waited_for_however_it_is_written(
    client: TestClient, parts: Parts, clock: HandClock, trial: Any
) -> None:
    published(client, TRIAL)
    is_said(client, trial=trial, timezone="America/New_York")
    does(client, "Trial Started")
    assert shell(parts).wake(clock()).wakes_at == datetime(2026, 3, 10, 13, tzinfo=UTC)  # the 10th at 09:00 in New York
    assert unreadable(client) == []


@pytest.mark.parametrize("trial", ["12/10/2026", "10.12.2026", "Dec 10, 2026", "soon", True])
def test_a_date_that_cannot_be_read_sends_nothing_and_is_told_everywhere(
    client: TestClient, parts: Parts, clock: HandClock, trial: Any
) -> None:
    published(client, TRIAL)
    is_said(client, trial=trial)
    does(client, "Trial Started")
    run = shell(parts)
    assert run.wake(clock()).wakes_at == clock() + timedelta(days=40)  # the stage's own deadline, and nothing before it
    assert client.get("/v1/messages").json()["items"] == []
    (told,) = timeline(client, "date_unknown")
    assert told["detail"] == {"reason": "unreadable_date", "attribute": "trial", "took": "waits", "seen": trial}
    answer = why(client, journey="trial-end")
    assert answer["reason"] == "unreadable_date"
    assert "the date in customer.trial cannot be told" in answer["answer"]
    assert repr(trial) in answer["answer"]
    step = why(client, journey="trial-end", step="wait:customer.trial")
    assert (step["reason"], repr(trial) in step["answer"]) == ("unreadable_date", True)
    (book,) = client.get("/v1/reports/reconciliation").json()["journeys"]
    assert book["dates_unknown"] == {"unreadable_date": 1}
    assert unreadable(client) == [
        {
            "source": "journey trial-end",
            "field": "customer.trial",
            "count": 1,
            "first_day": "2026-03-02",
            "last_day": "2026-03-02",
            "examples": [str(trial)],
        }
    ]
    is_said(client, trial="2026-03-13")
    assert run.wake(clock()).wakes_at == datetime(2026, 3, 10, 9, tzinfo=UTC)


def test_a_date_that_would_let_somebody_in_and_cannot_be_read_is_told_once(client: TestClient) -> None:
    published(client, BIRTHDAY)
    for plan in ("free", "team"):
        is_said(client, birthday="01/02/1990", plan=plan)
    (told,) = timeline(client, "not_entered")
    assert told["detail"]["reason"] == "unreadable_date"
    answer = why(client, journey="birthday")
    assert (answer["entered"], answer["reason"]) == (False, "unreadable_date")
    assert "'01/02/1990'" in answer["answer"]
    assert [(one["source"], one["field"], one["count"]) for one in unreadable(client)] == [
        ("journey birthday", "customer.birthday", 1)
    ]
    is_said(client, birthday="1990-02-01T00:00:00.000Z")
    assert len(timeline(client, "not_entered")) == 1


# -- amounts and zones -------------------------------------------------------------------------------------------------


def test_an_amount_that_is_a_text_counts_and_one_that_cannot_be_read_is_told(client: TestClient) -> None:
    for total in (10, "39.90", "39,90", "€ 5", None, ""):
        does(client, "Order Completed", properties={"total": total})
    assert profile(client)["events"]["Order Completed"]["sum"] == 49.9
    missing, field = unreadable(client)
    assert (missing["field"], missing["count"], missing["examples"]) == ("amount", 2, ["(missing)"])
    assert (field["source"], field["field"], field["count"]) == ("event Order Completed", "total", 2)
    assert field["examples"] == ["39,90", "€ 5"]


@pytest.mark.parametrize(
    ("given", "zone"),
    [(" europe/berlin", "Europe/Berlin"), ("W. Europe Standard Time", "Europe/Berlin"), ("Europe/Kyiv", "Europe/Kyiv")],
)
def test_a_zone_is_recognised_however_it_is_spelt(client: TestClient, given: str, zone: str) -> None:
    is_said(client, timezone=given)
    assert profile(client)["timezone"] == zone
    assert unreadable(client) == []


def test_a_zone_that_is_none_is_told(client: TestClient) -> None:
    is_said(client, timeZone="PST")
    assert profile(client)["timezone"] is None
    (field,) = unreadable(client)
    assert (field["source"], field["field"], field["examples"]) == ("profile", "timezone", ["PST"])


@pytest.mark.parametrize(
    ("trait", "given"),
    [("email", "Ann <ann@example.com>"), ("email", "a@example.com;b@example.com"), ("email", ["ann@example.com"]),
     ("email", "null"), ("email", "ann@localhost"), ("locale", "Deutsch"), ("language", "English"), ("locale", 49)],
)  # fmt: skip
def test_an_address_or_a_language_that_is_none_is_told(client: TestClient, trait: str, given: Any) -> None:
    is_said(client, **{trait: given})
    (field,) = unreadable(client)
    assert (field["source"], field["field"], field["examples"]) == ("profile", trait, [str(given)])


def test_an_address_and_a_language_however_they_are_written_are_no_finding(client: TestClient) -> None:
    is_said(client, email=" Ann+x@Bücher.example ", locale="de_AT.UTF-8", language="zh-hant-tw")
    is_said(client, email=None, locale="", language=" ")
    assert unreadable(client) == []


def test_a_field_that_was_mended_is_history(client: TestClient, clock: HandClock) -> None:
    does(client, "Order Completed", properties={"total": "1.000,00"})
    clock.forward(days=8)
    assert unreadable(client, since="2026-03-03") == []
    assert len(unreadable(client, since="2026-03-02")) == len(unreadable(client)) == 1
    metrics = client.get("/metrics").text
    assert 'waypost_unreadable_values{field="total",source="event Order Completed"} 1.0' in metrics


def test_the_doctor_and_the_metrics_name_guards_that_were_not_asked(
    client: TestClient, parts: Parts, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*_: Any) -> Waypost:
        return Waypost("http://testserver", keys["admin"], transport=client._transport)

    def doctor(check: str) -> tuple[bool | None, str]:
        (found,) = [one for one in installation.examine(parts.settings) if one.check == check]
        return found.well, found.text

    monkeypatch.setattr(installation, "client", connected)
    monkeypatch.setattr(installation, "RECENT", timedelta(days=10_000))
    assert doctor("guards") == (True, "all were asked")
    pairs = "customer.tags.all(a, customer.tags.exists(b, b == a))"
    for number in range(8):
        segment = {"guard": f"{pairs} && {number} >= 0"}
        assert client.put(f"/v1/segments/s{number}", json=segment).status_code == 200
    is_said(client, tags=[f"tag {one}" for one in range(800)])
    is_said(client, user="bob", tags=[f"tag {one}" for one in range(200)])
    well, told = doctor("guards")
    assert not well
    assert "segment s0, 1 times" in told
    assert doctor("values") == (True, "all could be read")
    later = {one["source"] for one in unreadable(client) if one["field"] == "(guard, later)"}
    assert later == {"segment s6", "segment s7"}
    assert 'waypost_unreadable_values{field="(guard, later)",source="segment s7"} 1.0' in client.get("/metrics").text


# -- time learned late -------------------------------------------------------------------------------------------------


def test_a_zone_that_is_learned_during_a_wait_for_a_local_time_moves_it(
    client: TestClient, parts: Parts, clock: HandClock
) -> None:
    published(client, MORNING)
    does(client, "Signed Up")
    run = shell(parts)
    assert run.wake(clock()).wakes_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    clock.forward(seconds=2)
    is_said(client, plan="team")
    assert pokes(parts) == 0, "a profile that says nothing of the zone wakes nobody"
    is_said(client, timezone="America/Los_Angeles")
    assert pokes(parts) == 1
    assert run.wake(clock()).wakes_at == datetime(2026, 3, 2, 17, tzinfo=UTC)
    is_said(client, timezone="america/los angeles")
    assert pokes(parts) == 1, "the same zone in another spelling is no change"


@pytest.mark.parametrize("signed_up", ["ann", "visitor-1"])
def test_a_zone_that_is_learned_by_becoming_one_with_another_profile_moves_it_too(
    client: TestClient, parts: Parts, clock: HandClock, signed_up: str
) -> None:
    published(client, MORNING)
    both = {"userId": "ann", "anonymousId": "visitor-1"}
    ids = [{"userId": "ann"}, {"anonymousId": "visitor-1"}]
    waits, elsewhere = ids if signed_up == "ann" else reversed(ids)
    for call, who, more in (
        ("track", waits, {"event": "Signed Up"}),
        ("identify", elsewhere, {"traits": {"timezone": "America/Los_Angeles"}}),
    ):
        assert client.post(f"/v1/{call}", json={**who, **more}).json()["accepted"] == 1
    run = shell(parts)
    assert run.wake(clock()).wakes_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    clock.forward(seconds=2)
    assert client.post("/v1/track", json={**both, "event": "Page Seen"}).json()["accepted"] == 1
    assert pokes(parts) == 1
    assert run.wake(clock()).wakes_at == datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize("name", ["timestamp", "originalTimestamp"])
@pytest.mark.parametrize("off", [timedelta(days=-5), timedelta(hours=3)])
def test_a_clock_that_is_off_is_put_right(client: TestClient, clock: HandClock, name: str, off: timedelta) -> None:
    published(client, MORNING)
    said = clock() + off
    event = {"type": "track", "userId": "ann", "event": "Signed Up", "messageId": "m", name: said.isoformat()}
    batch = {"sentAt": (said + timedelta(seconds=1)).isoformat(), "batch": [event]}
    assert client.post("/v1/batch", json=batch).json()["accepted"] == 1
    assert profile(client)["events"]["Signed Up"]["last_at"] == (clock() - timedelta(seconds=1)).isoformat()
    assert len(client.get("/v1/enrollments").json()["items"]) == 1
    (told,) = timeline(client, "Signed Up")
    assert told["detail"]["said_at"] == said.isoformat()


def test_what_lies_in_the_future_is_held_at_now_and_marked(client: TestClient, clock: HandClock) -> None:
    does(client, "Signed Up", timestamp="2031-01-01T00:00:00Z")
    does(client, "Bought", timestamp=(clock() + timedelta(seconds=5)).isoformat())
    events = profile(client)["events"]
    assert events["Signed Up"]["last_at"] == events["Bought"]["last_at"] == clock().isoformat()
    (marked,) = timeline(client, "Signed Up")
    assert marked["detail"]["said_at"] == "2031-01-01T00:00:00+00:00"
    (slack,) = timeline(client, "Bought")
    assert "said_at" not in slack["detail"]


def test_an_impossible_time_of_sending_is_refused(client: TestClient) -> None:
    event = {"type": "track", "userId": "ann", "event": "E", "timestamp": "2026-03-02T12:00:00Z"}
    answer = client.post("/v1/batch", json={"sentAt": "8999-01-01T00:00:00Z", "batch": [event]}).json()
    assert [one["path"] for one in answer["rejected"]] == ["sentAt"]


def test_why_says_of_a_late_event_that_it_was_too_old_to_start_anything(client: TestClient, clock: HandClock) -> None:
    published(client, MORNING)
    does(client, "Signed Up", timestamp=(clock() - timedelta(days=5)).isoformat())
    answer = why(client, journey="morning")
    assert answer["entered"] is False
    assert "Signed Up came 1 times, the last on 2026-03-02 12:00 UTC" in answer["answer"]
    assert "more than 72 hours before: so old an event only counts" in answer["answer"]
    (told,) = timeline(client, "Signed Up")
    assert told["detail"]["late"] is True


# -- guards ------------------------------------------------------------------------------------------------------------


def test_a_preview_of_a_segment_says_what_its_guard_cannot_tell_and_what_it_saw(client: TestClient) -> None:
    for user, ends in (("ann", "2026-04-01"), ("bob", "12/10/2026"), ("cleo", "2025-01-01"), ("dan", None)):
        is_said(client, user, ends=ends)
    shown = client.post("/v1/segments/preview", json={"guard": 'date(customer.ends) > now || "42" > 18'}).json()
    assert (shown["looked_at"], shown["belong"]) == (4, 1)
    assert shown["warning"] == "'42', a text, and a number cannot be compared; write number('42')"
    unread = next(one for one in shown["problems"] if one["problem"].startswith("date()"))
    assert unread == {
        "problem": "date() cannot read '12/10/2026'",
        "count": 1,
        "seen": {"bob": {"customer.ends": "12/10/2026"}},
    }


@pytest.mark.parametrize("guard", ['"42" > 18', "customer.ends < now", 'duration("30d") > duration("1h")'])
def test_a_segment_whose_guard_can_never_hold_is_refused(client: TestClient, guard: str) -> None:
    for answer in (
        client.put("/v1/segments/s", json={"guard": guard}),
        client.post("/v1/segments/preview", json={"guard": guard}),
    ):
        assert (answer.status_code, answer.json()["path"]) == (422, "guard")
        assert "can never hold" in answer.json()["detail"]


def test_why_says_what_the_guard_of_a_trigger_saw_and_could_not_compare(client: TestClient) -> None:
    published(client, MORNING.replace("on: Signed Up", "on: Signed Up, when: customer.age > 18"))
    is_said(client, age="42")
    does(client, "Signed Up")
    answer = why(client, journey="morning")["answer"]
    assert "customer.age, a text, and a number cannot be compared; write number(customer.age)" in answer
    assert "'42'" in answer


# -- hours that never meet ---------------------------------------------------------------------------------------------

NIGHTLY = (
    "journey: nightly\nenter: [{on: Signed Up}]\nstart: a\n"
    'stages: {a: {steps: [{send: {template: mail_a, expires: 1 day, send_window: {from: "22:00", to: "06:00"}}}]}}'
)
QUIET = {"quiet_hours": {"from": "21:00", "to": "08:00"}}


def test_a_window_that_never_meets_quiet_hours_is_an_error_at_validation(client: TestClient) -> None:
    assert client.put("/v1/settings", json=QUIET).status_code == 200
    found = client.post("/v1/journeys/validate", content=NIGHTLY).json()["problems"]
    assert [one["code"] for one in found if one["severity"] == "error"] == ["no_common_hour"]
    assert client.put("/v1/journeys/nightly", content=NIGHTLY).status_code == 422
    assert client.put("/v1/topics/general", json={"transactional": True}).status_code == 200
    assert client.put("/v1/journeys/nightly", content=NIGHTLY).status_code == 200, "quiet hours do not bind it"


def test_settings_that_would_silence_a_live_journey_are_refused(client: TestClient) -> None:
    published(client, NIGHTLY)
    answer = client.put("/v1/settings", json=QUIET)
    assert (answer.status_code, answer.json()["path"]) == (422, "quiet_hours")
    assert "a/send:mail_a of nightly" in answer.json()["detail"]
    assert client.get("/v1/settings").json()["quiet_hours"] is None


def test_a_mail_that_is_caught_in_such_hours_is_skipped_after_its_expires(
    client: TestClient, parts: Parts, clock: HandClock
) -> None:
    client.put("/v1/topics/general", json={"transactional": True})
    published(client, NIGHTLY)
    client.put("/v1/settings", json=QUIET)
    client.put("/v1/topics/general", json={"transactional": False})
    is_said(client, email="ann@example.com")
    does(client, "Signed Up")
    run = shell(parts)
    for _ in range(4):
        wakes_at = run.wake(clock()).wakes_at
        assert wakes_at is not None
        (mail,) = client.get("/v1/messages").json()["items"]
        assert (mail["status"], mail["reason"]) == ("deferred", "no_common_hour")
        clock.at = wakes_at
    run.wake(clock())
    (mail,) = client.get("/v1/messages").json()["items"]
    assert (mail["status"], mail["reason"], clock()) == (
        "skipped",
        "no_common_hour",
        datetime(2026, 3, 3, 12, tzinfo=UTC),
    )
