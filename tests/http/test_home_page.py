"""The start page: the lifecycle with its last days, what the mails brought, and what needs a person."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from services.reconciliation.differences import DifferenceKind
from services.reports.lifecycle import home_report
from store.statuses import HookStatus
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment, Hook
from tests.http import tour
from tests.http.test_reconciliation_pages import compared
from tests.shells import Shell
from tests.store.mailed_shop import order, send
from waypost.wiring import Parts


@pytest.fixture
def lifecycle(client: TestClient, parts: Parts) -> list[Shell]:
    """Three who entered, of whom one paid."""
    tour.put(client, tour.JOURNEY.replace("journey: tour", "journey: tour\nlifecycle: true"))
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    for name in ("a", "b", "c"):
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    with parts.database.reading() as session:
        made = [Shell(parts.database, one) for one in session.exec(select(Enrollment).order_by(col(Enrollment.id)))]
    for one in made:
        one.wake(parts.clock())
    client.post("/v1/track", json={"userId": "a", "event": "Paid"})
    for one in made:
        one.wake(parts.clock())
    return made


def test_stages_stand_with_who_came_and_left_in_the_last_days(
    browser: Callable[..., TestClient], lifecycle: list[Shell], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get("/")
    with statements(parts.database, at_most=70):
        shown = desk.get("/").text
    rows = {
        stage: re.findall(r'<td class="number">([\d,]+)</td>', row)
        for stage, row in re.findall(r'stage=(\w+)">.*?</a></td>(.*?)</tr>', shown, re.DOTALL)
    }
    assert rows == {"trial": ["2", "3", "1"], "paying": ["1", "1", "0"]}
    assert "In 7 days 3 entered, 0 left for good, and customers moved 1 times." in shown
    drawn = desk.get("/start/movements.svg").text
    assert "trial → paying: 1" in drawn


def test_what_has_happened_before_the_last_days_is_not_told(lifecycle: list[Shell], parts: Parts, clock: Any) -> None:
    clock.forward(days=home_report.DAYS)
    with parts.database.reading() as session:
        assert home_report.stage_week(session, "tour", clock()).flows == {}


def test_mails_are_told_by_day_and_outcome_with_what_they_brought(
    browser: Callable[..., TestClient], client: TestClient, lifecycle: list[Shell], parts: Parts
) -> None:
    send(parts.database, "offer", parts.clock(), "a")
    client.post("/v1/track", json=order("1", 19.9, "a"))
    desk = browser("support")
    shown = desk.get("/").text
    assert shown.count("19.90 EUR") >= 2
    assert "1 mail was sent, 1 converted" in shown
    with parts.database.reading() as session:
        days = home_report.mails_by_day(session, parts.clock())
    assert (len(days), days[parts.clock().date()]["accepted"]) == (7, 1)
    assert "1 accepted" in desk.get("/start/mails.svg").text


def test_what_needs_a_person_leads_to_where_it_is_seen(
    browser: Callable[..., TestClient], lifecycle: list[Shell], parts: Parts
) -> None:
    with parts.database.writing() as session:
        journey = session.get(Journey, "tour")
        journey.alarm, journey.paused_stages = "0.4% of its mails were complained about", {"trial": "now"}
        journey.paused_at = parts.clock()
        run = session.get(Enrollment, lifecycle[0].enrollment)
        run.stuck = "RuntimeError"
        session.add(
            Hook(
                id="h1", kind="webhook", enrollment_id=run.id, customer_id=run.customer_id, journey="tour", visit=1,
                digest=run.digest, stage="trial", step="trial/webhook:crm", status=HookStatus.STUCK,
                not_before=parts.clock(), created_at=parts.clock(), updated_at=parts.clock(),
            )
        )  # fmt: skip
    compared(parts, (DifferenceKind.LIVE_COUNT, "tour", 3), at=parts.clock())
    shown = browser("support").get("/").text
    for path, told in (
        ("/journeys/tour/report", "0.4% of its mails were complained about"),
        ("/journeys/tour", "the journey tour is paused"),
        ("/journeys/tour", "the stage trial of tour is paused"),
        ("/journeys/tour/enrollments?state=stuck", "stuck in tour: 1"),
        ("/hooks?status=stuck", "1 stuck: hook"),
        ("/reconciliation", "3 differences are open in the books"),
    ):
        assert re.search(f'<a href="{re.escape(path)}"><b>[^<]*{re.escape(told)}', shown), told


def test_no_journey_is_left_out_however_many_there_are(browser: Callable[..., TestClient], parts: Parts) -> None:
    """The list of journeys goes by pages; what needs a person does not."""
    now = parts.clock()
    with parts.database.writing() as session:
        session.add_all(Journey(key=f"j{one:03}", created_at=now, updated_at=now) for one in range(300))
        session.add(Journey(key="z_paused", paused_at=now, created_at=now, updated_at=now))
        session.add(Journey(key="z_stopped", alarm="0.4% complained", created_at=now, updated_at=now))
        session.add(Journey(key="z_part", paused_stages={"trial": "now"}, created_at=now, updated_at=now))
        session.add(Journey(key="z_old", paused_at=now, archived_at=now, created_at=now, updated_at=now))
    shown = browser("support").get("/").text
    assert re.findall(r'<a href="([^"]*)"><b>[^<]*\bz_', shown) == [
        "/journeys/z_part", "/journeys/z_paused", "/journeys/z_stopped/report",
    ]  # fmt: skip


def test_somebody_stuck_in_a_journey_that_is_archived_needs_a_person_too(
    browser: Callable[..., TestClient], lifecycle: list[Shell], parts: Parts
) -> None:
    with parts.database.writing() as session:
        session.get(Journey, "tour").archived_at = parts.clock()
        session.get(Enrollment, lifecycle[0].enrollment).stuck = "RuntimeError"
    shown = browser("support").get("/").text
    assert '<a href="/journeys/tour/enrollments?state=stuck"><b>stuck in tour: 1' in shown
