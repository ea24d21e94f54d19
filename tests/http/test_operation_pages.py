"""Long work on the pages: listed with how far it is, controlled, its errors as a file; and a file that is imported once it
was shown what becomes of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from activities import single_mails
from activities.operations import KINDS
from api.pages.operations import ways_on
from services.operations import operations
from store.statuses import OperationStatus
from store.tables.access import Audit, Operation, UploadPart
from store.tables.customers import Customer
from tests.http.desks import token
from tests.http.test_operations import rows, work
from waypost.wiring import Parts

FORM = "/operations/import"
PEOPLE = (
    "userId,E-Mail,first_name,zip\n1,ann@example.com,<b>Ann</b>,1067\n2,bob@example.com,Bob,abc\n,none@example.com,,\n"
)


def ask(parts: Parts, kind: str = "import customers", **columns: Any) -> str:
    """An operation as it stands."""
    with parts.database.writing() as session:
        made = operations.start(session, kind, {}, parts.clock())
        for name, value in columns.items():
            setattr(made, name, value)
        return made.id


def send(desk: TestClient, text: str | bytes = PEOPLE, name: str = "people.csv", **fields: Any) -> Any:
    form_token = fields.pop("form_token", None) or token(desk.get(FORM).text)
    data = {"form_token": form_token, "kind": "customers", **fields}
    return desk.post(FORM, data=data, files={"file": (name, text if isinstance(text, bytes) else text.encode())})


def mark(page: str) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def audits(parts: Parts) -> list[tuple[str, str, str]]:
    return [(one.action, one.kind, one.target) for one in rows(parts, Audit)]


def test_operations_are_listed_with_how_far_they_are_and_who_asked(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    assert "A marketer imports a file of customers" in desk.get("/operations").text
    ask(parts, total=400, done=100, status=OperationStatus.RUNNING, started_at=parts.clock(), error_count=2)
    ask(parts, "enroll", asked_by="<i>key</i>", request={"journey": "<b>tour</b>"})
    with statements(parts.database, at_most=7):
        shown = desk.get("/operations").text
    assert re.search(r'<progress max="400" value="100"', shown)
    assert ("100 of 400" in shown, "2 went wrong" in shown, "&lt;i&gt;key" in shown) == (True, True, True)
    assert ("<b>tour" in shown, "&lt;b&gt;tour" in shown) == (False, True)
    assert 'hx-get="/operations?"' in shown
    assert "/operations/import" not in shown
    found = {"kind=enroll": 1, "kind=import customers": 1, "status=queued": 1, "status=running": 1, "status=done": 0}
    assert {one: desk.get(f"/operations?{one}").text.count('<a href="/operations/op_') for one in found} == found
    assert "None is so" in desk.get("/operations?status=done").text
    assert desk.get("/operations?status=happy").status_code == 422


def test_a_list_of_operations_goes_on_behind_its_last_one(browser: Callable[..., TestClient], parts: Parts) -> None:
    made = sorted(ask(parts) for _ in range(5))
    desk, path, seen = browser("support"), "/operations?limit=2", list[str]()
    while path:
        shown = desk.get(path).text
        seen += re.findall(r'<a href="/operations/(op_\w+)"', shown)
        more = re.search(r'class="more"><a href="([^"]+)"', shown)
        path = more[1].replace("&amp;", "&") + "&limit=2" if more else ""
    assert seen == made[::-1]


def test_work_is_made_to_wait_goes_on_and_is_stopped_on_record(
    browser: Callable[..., TestClient], parts: Parts
) -> None:
    desk, id = browser("marketer"), ask(parts)
    forged = desk.post(f"/operations/{id}/pause", data={"form_token": "0" * 32})
    assert (forged.status_code, rows(parts, Operation)[0].paused) == (403, False)
    for verb, seen in (("pause", "paused"), ("resume", "Let it wait"), ("cancel", "Stop it")):
        done = desk.post(f"/operations/{id}/{verb}", data={"form_token": token(desk.get(f"/operations/{id}").text)})
        assert (done.status_code, done.headers["location"]) == (303, f"/operations/{id}")
        assert seen in desk.get(f"/operations/{id}").text
    assert audits(parts) == [(what, "operation", id) for what in ("paused", "resumed", "cancelled")]
    refused = desk.post(f"/operations/{id}/resume", data={"form_token": token(desk.get(FORM).text)})
    assert (refused.status_code, "the operation is not paused" in refused.text) == (409, True)


def test_lines_that_were_not_taken_come_as_a_file(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("marketer")
    id = send(desk, confirmed=mark(send(desk).text)).headers["location"].rpartition("/")[2]
    work(parts, id)
    assert f'href="/operations/{id}/errors.csv" download>Download all of them' in desk.get(f"/operations/{id}").text
    file = browser("support").get(f"/operations/{id}/errors.csv")
    header, line = file.text.splitlines()
    assert (header, line.startswith("4,")) == ("line,reason", True)
    assert (file.headers["content-type"], file.headers["cache-control"]) == ("text/csv; charset=utf-8", "no-store")
    assert desk.get("/operations/op_nobody/errors.csv").status_code == 404


def test_a_file_is_shown_with_what_its_columns_become_before_anything_is_kept(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("marketer")
    form_token = token(desk.get(FORM).text)
    with statements(parts.database, at_most=10):
        shown = send(desk, form_token=form_token).text
    assert "3 records read; 2 would be taken, 1 not." in shown
    assert re.search(r"<bdi>E-Mail</bdi></td><td><code><bdi>email</bdi>", shown)
    assert "holds texts and numbers: say beside it which it is" in shown
    assert ("&lt;b&gt;Ann" in shown, "<b>Ann" in shown) == (True, False)
    assert "Import 2 records" in shown
    assert rows(parts, UploadPart) == rows(parts, Operation) == rows(parts, Audit) == []
    part = desk.post(
        FORM, data={"form_token": form_token, "kind": "customers"}, files={"file": ("people.csv", PEOPLE.encode())},
        headers={"HX-Request": "true"},
    ).text  # fmt: skip
    assert (mark(part), "<html" in part) == (mark(shown), False)


def test_what_was_shown_is_imported_and_another_file_is_shown_first(
    browser: Callable[..., TestClient], parts: Parts
) -> None:
    desk = browser("marketer")
    seen = mark(send(desk).text)
    for other in (
        send(desk, PEOPLE + "3,cy@example.com,Cy,1\n", confirmed=seen),
        send(desk, name="people.ndjson", confirmed=seen),
        send(desk, confirmed=seen, holds="text zip"),
        send(desk, confirmed="made up"),
    ):
        assert (other.status_code, "This is another file, or read in another way" in other.text) == (200, True)
    assert rows(parts, Operation) == []
    done = send(desk, confirmed=seen)
    id = done.headers["location"].removeprefix("/operations/")
    assert done.status_code == 303
    work(parts, id)
    assert sorted(one.email for one in rows(parts, Customer)) == ["ann@example.com", "bob@example.com"]
    assert audits(parts) == [("imported", "customers", id)]
    with parts.database.reading() as session:
        kept = session.exec(select(Operation)).one()
    assert (kept.asked_by, kept.request["kind"], kept.total) == (rows(parts, Audit)[0].actor, "customers", 3)


def test_how_a_column_is_read_is_said_in_its_row(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("marketer")
    shown = send(desk, holds="text zip").text
    assert "holds texts and numbers" not in shown
    assert '<option value="text zip" selected>' in shown
    id = send(desk, holds="text zip", confirmed=mark(shown)).headers["location"].rpartition("/")[2]
    work(parts, id)
    assert sorted(one.attributes["zip"] for one in rows(parts, Customer)) == ["1067", "abc"]


@pytest.mark.parametrize(
    ("text", "fields", "told"),
    [
        ("", {}, "the file is empty"),
        ("userId,email,email\n1,a@example.com,b@example.com\n", {}, "the header names email twice"),
        ("email\nann@example.com\n", {}, "the header lacks userId"),
        (b"PK\x03\x04rest", {}, "the file is a workbook or an archive; save it as CSV"),
        (PEOPLE, {"kind": "enrollments"}, "name the journey to enroll in"),
        (PEOPLE, {"kind": "enrollments", "journey": "nobody"}, "nobody"),
        (PEOPLE, {"kind": "recipients", "broadcast": "nobody"}, "nobody"),
        (PEOPLE, {"kind": "secrets"}, "kind: Input should be"),
        (PEOPLE, {"encoding": "klingon"}, "must be one of utf-8"),
        (PEOPLE, {"dates": "whenever"}, "dates"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told_in_words(
    browser: Callable[..., TestClient], parts: Parts, text: str | bytes, fields: dict[str, str], told: str
) -> None:
    refused = send(browser("marketer"), text, **fields)
    assert (refused.status_code, told in refused.text) == (422, True), refused.text
    assert rows(parts, Operation) == rows(parts, UploadPart) == []


def test_no_file_is_told_and_lines_of_json_are_a_file_too(browser: Callable[..., TestClient]) -> None:
    desk = browser("marketer")
    none = desk.post(FORM, data={"form_token": token(desk.get(FORM).text), "kind": "customers"}, files={"other": b""})
    assert (none.status_code, "choose a file" in none.text) == (422, True)
    lines = send(desk, '{"userId": "1", "traits": {"email": "ann@example.com"}}\n', name="people.ndjson").text
    assert ("1 record read; 1 would be taken" in lines, "email" in lines) == (True, True)


def test_support_looks_at_work_and_changes_none(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk, id = browser("support"), ask(parts)
    assert desk.get(f"/operations/{id}").status_code == 200
    form_token = token(desk.get("/").text)
    assert desk.get(FORM).status_code == 403
    assert send(desk, form_token=form_token).status_code == 403
    for verb in ("pause", "resume", "cancel"):
        assert desk.post(f"/operations/{id}/{verb}", data={"form_token": form_token}).status_code == 403
    assert rows(parts, Audit) == []


def test_a_file_is_larger_than_another_form_and_no_larger_than_the_api_takes(
    browser: Callable[..., TestClient], parts: Parts
) -> None:
    desk = browser("marketer")
    large = "userId,note\n" + "".join(f"{number},{'n' * 8_000}\n" for number in range(1, 151))
    assert "150 records read; 150 would be taken" in send(desk, large).text
    form = {"content-type": "multipart/form-data; boundary=x", "content-length": str(5 * 1024**3)}
    refused = desk.post(FORM, content=b"--x--", headers=form)
    assert (refused.status_code, rows(parts, UploadPart)) == (413, [])


def test_a_forged_form_brings_no_file_in(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("marketer")
    assert send(desk, form_token="0" * 32).status_code == 403
    assert rows(parts, UploadPart) == []


def test_work_that_was_let_go_of_while_its_page_is_open_is_told(browser: Callable[..., TestClient]) -> None:
    desk = browser("marketer")
    part = desk.get("/operations/op_gone", headers={"HX-Request": "true"})
    assert (part.status_code, "There is nothing here" in part.text, "<html" in part.text) == (404, True, False)
    stopped = desk.post("/operations/op_gone/cancel", data={"form_token": token(desk.get(FORM).text)})
    assert (stopped.status_code, "There is nothing here" in stopped.text) == (404, True)


def test_work_that_has_failed_says_where_it_stands_and_what_to_do_next(
    browser: Callable[..., TestClient], parts: Parts
) -> None:
    desk, request = browser("support"), {"journey": "a/b", "broadcast": "may"}
    for kind in sorted({*KINDS, *single_mails.KINDS, "reconcile"}):
        assert kind in ways_on._WAYS, f"{kind} has a way on of its own"
        error = "it failed 5 times: OSError; the worker's log tells more"
        id = ask(parts, kind, request=request, status=OperationStatus.FAILED, error=error, finished_at=parts.clock())
        shown = desk.get(f"/operations/{id}").text
        assert ("What next?" in shown, "operation_failed" in shown) == (True, True), kind
        assert "/journeys/a/b/" not in shown, kind
    assert "What next?" not in desk.get(f"/operations/{ask(parts)}").text


def test_an_import_that_has_failed_leads_to_another(browser: Callable[..., TestClient], parts: Parts) -> None:
    id = ask(parts, status=OperationStatus.FAILED, error="line 1 has no userId", finished_at=parts.clock())
    shown = browser("support").get(f"/operations/{id}").text
    assert ('href="/operations/import">Import it again' in shown, "worker" in shown) == (True, False)
