"""Why did they (not) get that mail? Every kind of answer, over the API."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.customers import suppressions
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.enrollments import Enrollment, Hook
from store.tables.messages import Message
from tests.shells import Shell
from waypost.wiring import Parts

JOURNEY = """
journey: club
enter: [{on: Signed Up, when: 'customer.country == "DE"'}]
start: new
stages:
  new:
    steps: [{send: mail_a}, {wait: 2 days}, {send: mail_b}]
    transitions: [{on: Bought, to: buyer}]
  buyer: {steps: [{send: mail_c}]}
"""


@pytest.fixture
def club(client: TestClient) -> None:
    client.put("/v1/journeys/club", content=JOURNEY)
    client.post("/v1/journeys/club/publish")


def why(client: TestClient, **params: Any) -> dict[str, Any]:
    answer = client.get("/v1/customers/ann/why", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def signs_up(client: TestClient, country: str = "DE", **more: Any) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"country": country, "email": "ann@example.com", **more}})
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})


def plan(parts: Parts) -> str:
    """The enrollment wakes, plans its first mail and waits; return the mail's id."""
    with parts.database.reading() as session:
        run = session.exec(select(Enrollment)).one()
    Shell(parts.database, run).wake(parts.clock())
    with parts.database.reading() as session:
        return session.exec(select(Message)).one().id


@pytest.mark.usefixtures("club")
def test_who_never_entered_because_nothing_happened(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"country": "FR"}})
    told = why(client, journey="club")
    assert told["entered"] is False
    assert told["answer"].startswith("never entered: Signed Up never came, and its guard is false now")
    (trigger,) = told["triggers"]
    assert (trigger["on"], trigger["holds_now"], trigger["seen"]) == ("Signed Up", False, {"customer.country": "FR"})


@pytest.mark.usefixtures("club")
def test_who_was_kept_out_by_a_guard_with_the_values_seen(client: TestClient) -> None:
    signs_up(client, "FR")
    told = why(client, journey="club")
    assert (told["entered"], told["reason"]) == (False, "guard_false")
    assert "customer.country" in told["answer"]
    assert "'FR'" in told["answer"]
    assert told["decisions"][-1]["detail"]["guards"][0]["seen"] == {"customer.country": "FR"}


@pytest.mark.usefixtures("club")
def test_who_is_under_way_and_when_it_acts_next(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    plan(parts)
    told = why(client, journey="club")
    assert told["entered"]
    assert "it waits in new at 'wait 2 days', and acts by itself at 2026-03-04 12:00 UTC" in told["answer"]
    assert told["next_at"] == "2026-03-04T12:00:00Z"
    not_yet = why(client, journey="club", step="mail_c")
    assert not_yet["answer"].startswith("the step was not reached: it waits in new at 'wait 2 days'")
    here = why(client, journey="club", step="wait:2 days")
    assert here["next_at"] == "2026-03-04T12:00:00Z"


@pytest.mark.usefixtures("club")
def test_why_a_mail_did_not_go(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    with parts.database.writing() as session:
        suppressions.put(session, "ann@example.com", "bounce", "test", parts.clock())
    message = plan(parts)
    for params in (
        {"message": message},
        {"journey": "club", "step": "new/send:mail_a"},
        {"journey": "club", "step": "mail_a"},
    ):
        told = why(client, **params)
        assert told["answer"] == (
            "mail_a was skipped: the address is suppressed (bounce, complaint, or by hand); "
            "it was a bounce on 2026-03-02 12:00 UTC, told by test"
        )
        assert (told["reason"], told["message"]["id"]) == ("suppressed", message)
        assert told["decisions"][-1]["what"] == "skipped"


@pytest.mark.usefixtures("club")
def test_why_a_mail_failed(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    message, now, said = plan(parts), parts.clock(), "hi: the subject has 5,003 characters; at most 500 are allowed"
    failed = AttemptResult(send_id=message, status=MessageStatus.FAILED, reason="template_failed", explanation=said)
    with parts.database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", now)
        assert [one.send_id for one in claiming.claim(session, "journey", "f", 1, now)] == [message]
        sending_ledger.record(session, "f", [failed], now)
    told = why(client, message=message)
    assert told["answer"] == f"mail_a failed: the template could not be rendered for this customer; {said}"


@pytest.mark.usefixtures("club")
def test_why_a_mail_waits_and_until_when(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    client.put("/v1/settings", json={"quiet_hours": {"from": "11:00", "to": "18:00"}})
    told = why(client, message=plan(parts))
    assert (
        told["answer"]
        == "mail_a waits: it is quiet hours where the customer is; it is asked again at 2026-03-02 18:00 UTC"
    )
    assert told["next_at"] == "2026-03-02T18:00:00Z"


@pytest.mark.usefixtures("club")
@pytest.mark.parametrize(
    ("params", "status"),
    [({}, 422), ({"journey": "nothing"}, 404), ({"message": "x"}, 404), ({"journey": "club", "step": "zzz"}, 404)],
)
def test_a_question_about_nothing_is_told_so(client: TestClient, params: Any, status: int) -> None:
    signs_up(client)
    assert client.get("/v1/customers/ann/why", params=params).status_code == status


@pytest.mark.usefixtures("club")
def test_the_books_balance_and_each_difference_has_a_name(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    plan(parts)
    found = client.get("/v1/reports/reconciliation").json()
    assert found["balanced"]
    assert client.get("/v1/reports/reconciliation", params={"recount": True}).json() == {**found, "recounted": True}
    (book,) = found["journeys"]
    assert (book["entered"], book["live"], book["messages"]["planned"], book["messages"]["waiting"]) == (1, 1, 1, 1)
    assert found["on_their_way"] == {"start": 1}
    with parts.database.writing() as session:
        session.delete(session.exec(select(Enrollment)).one())
    lost = client.get("/v1/reports/reconciliation", params={"recount": True}).json()
    assert (lost["balanced"], lost["journeys"][0]["differences"]) == (False, {"live_counted_but_not_kept": 1})


@pytest.mark.usefixtures("club")
def test_reports_count_stages_mails_and_months(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    plan(parts)
    report = client.get("/v1/journeys/club/report").json()
    assert (report["entered"], report["stages"], report["ended"]) == (1, {"new": 1}, {})
    assert report["messages"] == [
        {"journey": "club", "template": "mail_a", "status": "planned", "reason": None, "count": 1}
    ]
    cohorts = client.get("/v1/reports/lifecycle", params={"journey": "club", "cohorts": True}).json()["cohorts"]
    assert cohorts == [{"month": "2026-03", "entered": 1, "stages": {"new": 1}, "ended": {}}]
    assert client.get("/v1/reports/messages?since=2027-01-01T00:00:00Z").json()["messages"] == []


# -- the present -------------------------------------------------------------------------------------------------------

WHEEL = """
journey: wheel
enter: [{on: Signed Up}]
defaults: {topic: news}
start: new
stages:
  new:
    steps: [{wait: 1 day}, {send: mail_a}]
    transitions: [{on: Bought, to: buyer}]
  buyer:
    steps: [{wait: 30 days}]
    transitions: [{on: Left, to: new}]
"""


@pytest.fixture
def wheel(client: TestClient) -> None:
    client.put("/v1/journeys/wheel", content=WHEEL)
    client.post("/v1/journeys/wheel/publish")


def wakes(parts: Parts) -> None:
    with parts.database.reading() as session:
        run = session.exec(select(Enrollment)).one()
    shell = Shell(parts.database, run)
    shell.wakes = run.wakes
    shell.wake(parts.clock())


def does(client: TestClient, parts: Parts, event: str) -> None:
    client.post("/v1/track", json={"userId": "ann", "event": event})
    wakes(parts)


@pytest.mark.usefixtures("wheel")
def test_the_visit_of_now_is_told_before_a_mail_of_an_earlier_one(client: TestClient, parts: Parts, clock: Any) -> None:
    signs_up(client, timezone="Europe/Berlin")
    client.put("/v1/suppressions/ann@example.com", json={"reason": "manual"})
    wakes(parts)
    coming = why(client, journey="wheel", step="mail_a")
    assert coming["answer"] == (
        "the step was not reached: it waits in new at 'wait 1 day', and acts by itself at 2026-03-03 12:00 UTC "
        "(13:00 Europe/Berlin); mail_a would be skipped on 2026-03-03 12:00 UTC (13:00 Europe/Berlin): "
        "the address is suppressed (bounce, complaint, or by hand)"
    )
    clock.forward(days=1)
    wakes(parts)
    assert why(client, journey="wheel", step="mail_a")["answer"].startswith("mail_a was skipped: the address is supp")
    client.delete("/v1/suppressions/ann@example.com")
    does(client, parts, "Bought")
    gone = why(client, journey="wheel", step="mail_a")
    assert gone["answer"].startswith(
        "since then the step was not reached: it waits in buyer at 'wait 30 days', and acts by itself at 2026-04-02 12:00 UTC "
        "(14:00 Europe/Berlin); the last time, on 2026-03-03 12:00 UTC (13:00 Europe/Berlin): mail_a was skipped"
    )
    assert gone["reason"] is None
    clock.forward(hours=11)
    does(client, parts, "Left")
    again = why(client, journey="wheel", step="mail_a")
    assert again["answer"].startswith(
        "mail_a goes on 2026-03-04 23:00 UTC (2026-03-05 00:00 Europe/Berlin); the last time, on 2026-03-03 12:00 UTC"
    )
    assert (again["next_at"], again["reason"]) == ("2026-03-04T23:00:00Z", None)
    whole = why(client, journey="wheel")["answer"]
    assert whole.endswith("; the next mail: mail_a goes on 2026-03-04 23:00 UTC (2026-03-05 00:00 Europe/Berlin)")


@pytest.mark.usefixtures("wheel")
def test_a_pause_of_the_journey_or_of_the_topic_is_told(client: TestClient, parts: Parts, clock: Any) -> None:
    signs_up(client)
    wakes(parts)
    client.put("/v1/topics/news", json={})
    client.post("/v1/topics/news/pause")
    client.post("/v1/journeys/wheel/pause")
    assert (
        "; the journey is paused since 2026-03-02 12:00 UTC, so it parks instead"
        in why(client, journey="wheel")["answer"]
    )
    client.post("/v1/journeys/wheel/resume")
    clock.forward(days=1)
    wakes(parts)
    held = why(client, journey="wheel", step="mail_a")["answer"]
    assert held == (
        "mail_a is planned and goes as soon as its lane takes it; it is held, since mail about news is paused since "
        "2026-03-02 12:00 UTC"
    )


@pytest.mark.usefixtures("club")
def test_a_full_cap_names_the_mails_that_filled_it_and_when_they_went(client: TestClient, parts: Parts) -> None:
    signs_up(client)
    client.put("/v1/settings", json={"cap": {"max": 1, "per": "7 days"}})
    message = plan(parts)
    with parts.database.writing() as session:
        mail = session.exec(select(Message)).one()
        for status in (MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.ACCEPTED):
            messages.change(session, mail, status, parts.clock())
        mail.accepted_at = parts.clock()
    client.put("/v1/journeys/wheel", content=WHEEL.replace("{wait: 1 day}, ", ""))
    client.post("/v1/journeys/wheel/publish")
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    with parts.database.reading() as session:
        run = session.exec(select(Enrollment).where(Enrollment.journey == "wheel")).one()
    Shell(parts.database, run).wake(parts.clock())
    told = why(client, journey="wheel", step="mail_a")["answer"]
    assert "the cap is 1 mails of all topics in 7 days, filled by mail_a (went on 2026-03-02 12:00 UTC, " in told
    assert message in told


def test_a_failing_webhook_is_told_of_the_whole_run(client: TestClient, parts: Parts) -> None:
    text = "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages: {a: {steps: [{webhook: 'https://crm.example/x'}, {wait: 9 days}]}}"
    client.put("/v1/journeys/j", content=text)
    client.post("/v1/journeys/j/publish")
    signs_up(client)
    wakes(parts)
    assert "webhook" not in why(client, journey="j")["answer"]
    with parts.database.writing() as session:
        hook = session.exec(select(Hook)).one()
        hook.attempts, hook.answer = 3, 500
        session.add(hook)
    told = why(client, journey="j")
    assert "; after attempt 3 the answer was: status 500" in told["answer"]
    assert told["hook"]["attempts"] == 3
