"""A mail that is planned before the customer has an address waits for one, until its `expires`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from journeys.machine.woken import restored
from services.enrollments.controls import asking
from services.enrollments.forecast import enrollment_forecast
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.shells import Shell
from waypost.wiring import Parts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WELCOME = """
journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a:
    steps: [{send: {template: mail_a, expires: 2 days, late: skip}}, {wait: 1 day}, {send: mail_b}]
    transitions: [{on: Bought, to: b}]
  b: {}
"""


@pytest.fixture
def run(client: TestClient, parts: Parts) -> Shell:
    """Somebody without an address signed up, and the first mail was planned."""
    assert client.put("/v1/journeys/welcome", content=WELCOME).status_code == 200
    assert client.post("/v1/journeys/welcome/publish").status_code == 200
    says(client, "track", anonymousId="visitor-1", event="Signed Up")
    with parts.database.reading() as session:
        shell = Shell(parts.database, session.exec(select(Enrollment)).one())
    assert shell.wake(NOON).wakes_at == NOON + timedelta(days=2)
    assert mails(client) == [("mail_a", "deferred", "no_address_yet")]
    return shell


def says(client: TestClient, call: str, **body: Any) -> None:
    assert client.post(f"/v1/{call}", json=body).json()["accepted"] == 1


def mails(client: TestClient) -> list[tuple[str, str, str | None]]:
    found = client.get("/v1/messages").json()["items"]
    return [(one["template"], one["status"], one["reason"]) for one in found]


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


def pokes(parts: Parts) -> int:
    return sum(one.kind == "poke" for one in rows(parts, Dispatch))


def asks(parts: Parts, verb: str, at: datetime) -> None:
    with parts.database.writing() as session:
        asking.ask(session, session.exec(select(Enrollment)).one(), verb, at)


def by_identify(client: TestClient) -> None:
    says(client, "identify", anonymousId="visitor-1", traits={"email": "or2@example.com"})


def by_the_id_that_is_theirs(client: TestClient) -> None:
    says(client, "identify", userId="or2", anonymousId="visitor-1", traits={"email": "or2@example.com"})


def by_a_merge(client: TestClient) -> None:
    """Nothing is said of the profile: the address was the known one's before."""
    says(client, "identify", userId="or2", traits={"email": "or2@example.com"})
    says(client, "track", userId="or2", anonymousId="visitor-1", event="Page Seen")


@pytest.mark.parametrize("known", [by_identify, by_the_id_that_is_theirs, by_a_merge])
def test_it_goes_as_soon_as_there_is_an_address(
    client: TestClient, parts: Parts, clock: HandClock, run: Shell, known: Callable[[TestClient], None]
) -> None:
    clock.forward(hours=3)
    known(client)
    assert pokes(parts) == 1
    assert run.wake(clock()).wakes_at == NOON + timedelta(hours=27), "what comes behind the mail begins there"
    assert mails(client) == [("mail_a", "planned", None)]
    (mail,) = rows(parts, Message)
    assert (mail.due, mail.email) == (clock(), "or2@example.com"), "it is not late: it was due when the address came"


def test_what_says_no_address_wakes_nobody(client: TestClient, parts: Parts, run: Shell) -> None:
    says(client, "identify", anonymousId="visitor-1", traits={"plan": "team"})
    assert pokes(parts) == 0
    assert run.wake(NOON).inputs == ()


def test_at_its_expires_it_is_skipped_and_the_journey_goes_on(client: TestClient, clock: HandClock, run: Shell) -> None:
    clock.forward(days=2)
    assert run.wake(clock()).wakes_at == NOON + timedelta(days=3)
    assert mails(client) == [("mail_a", "skipped", "no_address")]


def test_an_address_that_came_in_time_counts_after_a_downtime(client: TestClient, clock: HandClock, run: Shell) -> None:
    clock.forward(hours=47)
    by_identify(client)
    clock.forward(hours=5)
    run.wake(clock())
    assert ("mail_a", "skipped", "late") in mails(client), "late by the downtime, by its own `late: skip`"
    assert run.wake(clock()).inputs == ()


def test_a_pause_holds_it_and_what_was_said_meanwhile_counts(
    client: TestClient, parts: Parts, clock: HandClock, run: Shell
) -> None:
    asks(parts, "pause", clock())
    run.wake(clock())
    clock.forward(hours=1)
    by_identify(client)
    run.wake(clock())
    assert mails(client) == [("mail_a", "deferred", "no_address_yet")]
    asks(parts, "resume", clock())
    run.wake(clock())
    assert mails(client) == [("mail_a", "planned", None)]


@pytest.mark.usefixtures("run")
def test_everybody_who_asks_is_told_that_it_waits_for_an_address(client: TestClient, parts: Parts) -> None:
    ends = "2026-03-04T12:00:00+00:00"
    (profile,) = client.get("/v1/customers").json()["items"]
    told = client.get(f"/v1/customers/{profile['id']}/why", params={"journey": "welcome", "step": "mail_a"}).json()
    assert told["answer"] == (
        "mail_a waits: the customer has no email address yet, and the mail waits for one; "
        "it is asked again as soon as there is one, and at 2026-03-04 12:00 UTC"
    )
    timeline = client.get(f"/v1/customers/{profile['id']}/timeline").json()["items"]
    (deferred,) = [one["detail"] for one in timeline if one["what"] == "deferred"]
    assert (deferred["reason"], deferred["until"]) == ("no_address_yet", ends)
    with parts.database.reading() as session:
        enrollment = session.exec(select(Enrollment)).one()
        first, *_ = enrollment_forecast.next_actions(session, enrollment, restored(enrollment.state), NOON)
    assert (first.what, first.detail["reason"]) == ("skip", "no_address")
