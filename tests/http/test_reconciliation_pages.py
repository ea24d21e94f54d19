"""The books, webhooks and rows on their way to Temporal on the pages: what differs or is stuck, and what becomes of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from services.operations import operations
from services.reconciliation import reconciling
from services.reconciliation.differences import DifferenceKind, Findings
from store import bulk
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.statuses import DispatchStatus, HookStatus, OperationStatus
from store.tables.access import Audit, Operation
from store.tables.customers import Customer
from store.tables.enrollments import Dispatch, Enrollment, Hook
from tests.http.desks import token
from tests.http.test_operations import rows
from tests.shells import Shell
from waypost.wiring import Parts

BOOKS = "/reconciliation"


def compared(parts: Parts, *found: tuple[DifferenceKind, str, int], at: datetime) -> str:
    """A comparison that came to its end and found so many of these kinds, in these places."""
    findings = Findings()
    for kind, place, count in found:
        findings.add(kind, place, ["enr_1"], count, 0)

    def end(session: Session) -> str:
        made = reconciling.start(session, at, "key_1", repair=False)
        operations.begin(session, made.id, at)
        made.result = {"differences": findings.as_json()}
        operations.close(session, made.id, at)
        return made.id

    return parts.database.write(end)


@pytest.fixture
def stuck(parts: Parts, shells: list[Shell], noon: datetime) -> str:
    """A webhook of somebody under way, which is stuck."""
    with parts.database.writing() as session:
        run = session.get(Enrollment, shells[0].enrollment)
        session.add(
            Hook(
                id="h1", kind="webhook", enrollment_id=run.id, customer_id=run.customer_id, journey="tour",
                digest=run.digest, stage="trial", step="trial/webhook:<b>crm</b>", visit=1, status=HookStatus.STUCK,
                attempts=9, error="<i>Timeout</i>", not_before=noon, created_at=noon, updated_at=noon,
            )
        )  # fmt: skip
    return "h1"


@pytest.fixture
def two_stuck_rows(parts: Parts, noon: datetime) -> list[int]:
    with parts.database.writing() as session:
        made = [dispatches.row(f"enr_{one}", f"w{one}", "start", {}, Priority.START, noon) for one in range(2)]
        bulk.add(session, Dispatch, [{**one, "status": DispatchStatus.STUCK, "error": "INVALID"} for one in made])
    return [one.id for one in rows(parts, Dispatch) if one.status == DispatchStatus.STUCK]


def audits(parts: Parts) -> list[tuple[str, str, str, Any]]:
    return [(one.action, one.kind, one.target, (one.after or {}).get("said")) for one in rows(parts, Audit)]


@pytest.mark.usefixtures("shells")
def test_the_books_of_each_journey_stand_on_one_page(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get(BOOKS)
    with statements(parts.database, at_most=25):
        shown = desk.get(BOOKS).text
    assert ("the books balance" in shown, "Nothing was compared yet" in shown) == (True, True)
    assert '<a href="/journeys/tour">tour</a>' in shown
    assert '<td class="number">7</td><td class="number">7</td><td class="number">0</td>' in shown
    assert "The rows themselves were counted" in desk.get(f"{BOOKS}?recount=true").text


def test_a_page_of_books_without_a_journey_says_so(browser: Callable[..., TestClient]) -> None:
    assert "No journey yet" in browser("support").get(BOOKS).text


def test_support_compares_everything_and_repairs_nothing(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("support")
    form_token = token(desk.get(BOOKS).text)
    asked = desk.post(f"{BOOKS}/check", data={"form_token": form_token})
    (made,) = rows(parts, Operation)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/operations/{made.id}")
    assert (made.kind, made.request) == ("reconcile", {"repair": False})
    again = desk.post(f"{BOOKS}/check", data={"form_token": form_token})
    assert (again.status_code, "a reconciliation is under way already" in again.text) == (409, True)
    assert desk.get(f"{BOOKS}/repair").status_code == 403
    assert desk.post(f"{BOOKS}/repair", data={"form_token": form_token}).status_code == 403
    assert browser("marketer").get(f"{BOOKS}/repair").status_code == 403


def test_a_repair_says_what_it_does_to_each_difference_and_is_done_once(
    browser: Callable[..., TestClient], parts: Parts, noon: datetime
) -> None:
    desk = browser("admin")
    nothing = desk.get(f"{BOOKS}/repair")
    assert (nothing.status_code, "compare everything first" in nothing.text) == (409, True)
    checked = compared(
        parts, (DifferenceKind.LIVE_COUNT, "<b>tour</b>", 1_200), (DifferenceKind.MAIL_NOT_CAUGHT, "outbox", 2), at=noon
    )
    shown = desk.get(BOOKS).text
    assert ("something differs" in shown, 'href="/reconciliation/repair"' in shown, "<b>tour" in shown) == (
        True, True, False,
    )  # fmt: skip
    asked = desk.get(f"{BOOKS}/repair").text
    assert "1,200 in &lt;b&gt;tour&lt;/b&gt;: the count of those who stand at a step" in asked
    assert ("The count is set to the rows." in asked, "A person has to look at it." in asked) == (True, True)
    form_token = token(asked)
    other = desk.post(f"{BOOKS}/repair", data={"form_token": form_token, "checked": "op_older"})
    assert (other.status_code, "compared once more since" in other.text) == (409, True)
    done = desk.post(f"{BOOKS}/repair", data={"form_token": form_token, "checked": checked})
    (started,) = [one for one in rows(parts, Operation) if one.status == OperationStatus.QUEUED]
    assert (done.status_code, done.headers["location"]) == (303, f"/operations/{started.id}")
    assert started.request == {"repair": True}
    assert audits(parts) == [("repaired", "books", started.id, None)]


def test_a_webhook_that_is_stuck_is_called_again_once_that_was_confirmed(
    browser: Callable[..., TestClient], stuck: str, parts: Parts, statements: Any
) -> None:
    desk = browser("marketer")
    desk.get("/hooks?status=stuck&journey=tour")
    with statements(parts.database, at_most=6):
        shown = desk.get("/hooks?status=stuck&journey=tour").text
    assert ("&lt;i&gt;Timeout" in shown, "<i>Timeout" in shown, "<b>crm" in shown) == (True, False, False)
    with parts.database.reading() as session:
        whose = session.exec(select(Customer.email).join(Hook, col(Hook.customer_id) == Customer.id)).one()
    assert (str(whose) in shown, f'href="/hooks/{stuck}/retry"' in shown) == (True, True)
    asked = desk.get(f"/hooks/{stuck}/retry").text
    assert ("with all its attempts before it" in asked, "<i>Timeout" in asked) == (True, False)
    done = desk.post(f"/hooks/{stuck}/retry", data={"form_token": token(asked), "reason": "they are back"})
    assert (done.status_code, done.headers["location"]) == (303, "/hooks?status=stuck")
    (hook,) = rows(parts, Hook)
    assert (hook.status, hook.attempts) == (HookStatus.PLANNED, 0)
    assert audits(parts)[-1] == ("retried", "hook", stuck, "they are back")
    assert "None is so" in desk.get("/hooks?status=stuck").text


def test_a_webhook_is_given_up_and_a_second_time_is_refused(
    browser: Callable[..., TestClient], stuck: str, parts: Parts
) -> None:
    desk = browser("marketer")
    said = {"form_token": token(desk.get(f"/hooks/{stuck}/cancel").text)}
    assert desk.post(f"/hooks/{stuck}/cancel", data=said).status_code == 303
    assert rows(parts, Hook)[0].status == HookStatus.CANCELLED
    again = desk.post(f"/hooks/{stuck}/cancel", data=said)
    assert (again.status_code, "the hook is cancelled" in again.text) == (409, True)
    assert audits(parts)[-1] == ("cancelled", "hook", stuck, None)


def test_support_sees_webhooks_and_calls_none(browser: Callable[..., TestClient], stuck: str, parts: Parts) -> None:
    desk = browser("support")
    shown = desk.get("/hooks").text
    assert ("stuck</span>" in shown, "Call again" in shown) == (True, False)
    form_token = token(shown)
    for verb in ("retry", "cancel"):
        assert desk.get(f"/hooks/{stuck}/{verb}").status_code == 403
        assert desk.post(f"/hooks/{stuck}/{verb}", data={"form_token": form_token}).status_code == 403
    forged = browser("marketer").post(f"/hooks/{stuck}/retry", data={"form_token": "0" * 32})
    assert (forged.status_code, rows(parts, Hook)[0].status) == (403, HookStatus.STUCK)


def test_no_webhook_yet_and_one_that_is_gone_are_told_in_words(browser: Callable[..., TestClient]) -> None:
    desk = browser("marketer")
    assert "None yet" in desk.get("/hooks").text
    assert (desk.get("/hooks/gone/retry").status_code, desk.get("/hooks?status=happy").status_code) == (404, 422)


def test_an_admin_lets_a_stuck_row_go_or_gives_it_up(
    browser: Callable[..., TestClient], two_stuck_rows: list[int], parts: Parts
) -> None:
    first, second = two_stuck_rows
    desk = browser("admin")
    shown = desk.get("/dispatches?status=stuck").text
    assert (f'href="/dispatches/{first}/retry"' in shown, "/customers?query=enr_0" in shown) == (True, True)
    asked = desk.get(f"/dispatches/{first}/retry").text
    assert "The start of enr_0 is stuck" in asked
    said = {"form_token": token(asked), "reason": "mended"}
    assert desk.post(f"/dispatches/{first}/retry", data=said).status_code == 303
    again = desk.post(f"/dispatches/{first}/retry", data=said)
    assert (again.status_code, "it is ready, not stuck" in again.text) == (409, True)
    assert desk.post(f"/dispatches/{second}/cancel", data=said).status_code == 303
    assert desk.get(f"/dispatches/{second}/cancel").status_code == 404
    assert [one.id for one in rows(parts, Dispatch)] == [first]
    assert audits(parts) == [
        ("retried", "dispatch", str(first), "mended"), ("cancelled", "dispatch", str(second), "mended"),
    ]  # fmt: skip
    assert "Nothing is stuck" in desk.get("/dispatches?status=stuck").text


def test_rows_on_their_way_are_an_admins_to_change(
    browser: Callable[..., TestClient], two_stuck_rows: list[int], parts: Parts
) -> None:
    first, _ = two_stuck_rows
    for role in ("support", "marketer"):
        desk = browser(role)
        shown = desk.get("/dispatches").text
        assert ("INVALID" in shown, "Let it go again" in shown) == (True, False)
        assert desk.get(f"/dispatches/{first}/retry").status_code == 403
        assert desk.post(f"/dispatches/{first}/cancel", data={"form_token": token(shown)}).status_code == 403
    assert len(rows(parts, Dispatch)) == 2


def test_nothing_on_its_way_is_said(browser: Callable[..., TestClient]) -> None:
    assert "Temporal has everything" in browser("support").get("/dispatches").text
