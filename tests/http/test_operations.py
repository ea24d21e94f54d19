"""Long work: imports, enrollments in bulk; progress, errors by line, cancelling, going on after a crash."""

import asyncio
import dataclasses
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities import operations as activities
from activities.operations import Operations
from services.imports.records import import_lines
from services.operations import operations
from store.tables.access import UploadPart
from store.tables.customers import Consent, Customer, Event
from store.tables.enrollments import Decision, Dispatch, Enrollment
from waypost.wiring import Parts


def work(parts: Parts, operation: str) -> str:
    """Do an operation as the worker does."""
    return asyncio.run(ActivityEnvironment().run(parts.operations().operate, operation))


def upload(client: TestClient, content: str | bytes, **params: Any) -> Any:
    body = content.encode() if isinstance(content, str) else content
    return client.post("/v1/imports", params=params, content=body)


def imported(client: TestClient, parts: Parts, content: str | bytes, **params: Any) -> dict[str, Any]:
    """Upload, do the work, and return the operation."""
    answer = upload(client, content, **params)
    assert answer.status_code == 202, answer.text
    work(parts, answer.json()["id"])
    return client.get(f"/v1/operations/{answer.json()['id']}").json()


def errors(client: TestClient, operation: dict[str, Any]) -> list[tuple[int, str]]:
    page = client.get(f"/v1/operations/{operation['id']}/errors").json()
    return [(one["line"], one["reason"]) for one in page["items"]]


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


# -- what files hold ---------------------------------------------------------------------------------------------------


def test_customers_from_csv(client: TestClient, parts: Parts) -> None:
    text = (
        "\ufeffuserId;email;first_name;age\n17;ann@example.com;Ann;41\n18;bob@example.com;=HYPERLINK(1);\n;x@y.de;;\n"
    )
    done = imported(client, parts, text, kind="customers")
    assert (done["status"], done["done"], done["total"], done["error_count"]) == ("done", 3, 3, 1)
    assert done["result"] == {"taken": 2, "repeated": 0}
    assert errors(client, done) == [(4, "userId: userId or anonymousId is required")]
    ann = client.get("/v1/customers/17").json()["customer"]
    assert (ann["email"], ann["attributes"]["age"]) == ("ann@example.com", 41)
    bob = client.get("/v1/customers/18").json()["customer"]
    assert bob["attributes"]["first_name"] == "=HYPERLINK(1)", "a formula is a text, and nobody works it out"
    assert rows(parts, UploadPart) == [], "the file is gone when its work is done"


def test_customers_from_ndjson(client: TestClient, parts: Parts) -> None:
    lines = [
        '{"userId": "17", "traits": {"email": "ann@example.com"}}',
        "nonsense",
        '{"userId": "18", "plan": "pro"}',
        "[]",
    ]
    done = imported(client, parts, "\n".join(lines), kind="customers", format="ndjson")
    assert (done["result"]["taken"], done["total"]) == (2, 4)
    assert errors(client, done) == [(2, "the line is not JSON"), (4, "a line is a JSON object")]
    file = client.get(f"/v1/operations/{done['id']}/errors.csv")
    assert file.text.splitlines() == ["line,reason", "2,the line is not JSON", "4,a line is a JSON object"]
    assert "attachment" in file.headers["content-disposition"]


def test_consents(client: TestClient, parts: Parts) -> None:
    client.put("/v1/customers/17", json={"attributes": {}})
    text = "userId,topic,granted,source\n17,news,yes,form\n17,offers,NO,\n17,news,maybe,\n99,news,yes,\n17,b/d,yes,\n"
    done = imported(client, parts, text, kind="consents")
    assert done["result"]["taken"] == 2
    assert [line for line, _ in errors(client, done)] == [4, 5, 6]
    said = {one["topic"]: (one["granted"], one["source"]) for one in client.get("/v1/customers/17/consent").json()}
    assert said == {"news": (True, "form"), "offers": (False, f"import {done['id']}")}


def test_enrollments_from_a_file_and_from_a_segment(client: TestClient, parts: Parts, welcome: Any) -> None:
    for name in ("a", "b", "c"):
        client.put(f"/v1/customers/{name}", json={"attributes": {"plan": "pro"}})
    done = imported(client, parts, "userId,voucher\na,X1\na,X2\nz,X3\n", kind="enrollments", journey="welcome")
    assert (done["result"]["taken"], done["error_count"]) == (1, 1)
    assert rows(parts, Enrollment)[0].data == {"voucher": "X1"}
    client.put("/v1/segments/pro", json={"guard": "customer.plan == 'pro'"})
    from services.upkeep import upkeep

    with parts.database.writing() as session:
        while upkeep.do(session, parts.clock()):
            pass
    answer = client.post("/v1/journeys/welcome/enrollments", json={"segment": "pro"})
    assert (answer.status_code, answer.json()["total"]) == (202, 3)
    work(parts, answer.json()["id"])
    result = client.get(f"/v1/operations/{answer.json()['id']}").json()["result"]
    assert result == {"enrolled": 2, "refused": 1}
    why = client.get("/v1/customers/a/timeline").json()["items"][0]
    assert (why["what"], why["detail"]["reason"]) == ("not_entered", "already_enrolled")


def history(*orders: tuple[str, str, str]) -> str:
    return "".join(
        json.dumps({"type": "track", "userId": user, "event": "Signed Up", "timestamp": at, "messageId": name}) + "\n"
        for user, at, name in orders
    )


def test_events_are_stored_and_place_customers_in_a_journey(client: TestClient, parts: Parts, welcome: Any) -> None:
    text = history(("b", "2026-01-05", "m3"), ("a", "2026-01-02", "m2"), ("a", "2026-01-01", "m1")) + "{}\n"
    done = imported(client, parts, text, kind="events", format="ndjson", journey="welcome")
    nobody = {"already_enrolled": 0, "been_before": 0, "left_alone": []}
    assert done["result"] == {"customers": 2, "events": 3, "enrolled": 2, "repeated": 0, **nobody}
    assert [line for line, _ in errors(client, done)] == [4]
    assert [one.name for one in rows(parts, Event)] == ["Signed Up"] * 3
    again = imported(client, parts, text, kind="events", format="ndjson", journey="welcome")
    everybody = [one.id for one in rows(parts, Customer)]
    left = again["result"].pop("left_alone")
    assert sorted(left) == sorted(everybody)
    assert again["result"] == {
        "customers": 2, "events": 0, "enrolled": 0, "repeated": 3, "already_enrolled": 0, "been_before": 2,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_a_dry_run_tells_the_numbers_of_the_import_and_leaves_nothing(
    client: TestClient, parts: Parts, welcome: Any, form: str
) -> None:
    client.put("/v1/customers/known", json={"attributes": {}})
    for name in ("live", "left"):
        client.post("/v1/track", json={"userId": name, "event": "Signed Up"})
    client.post("/v1/track", json={"userId": "gone", "event": "Bought"})
    work(parts, client.delete("/v1/customers/gone").json()["id"])
    names = ("known", "live", "gone", "new", "also")
    text = history(*((name, "2026-01-05", f"m-{name}") for name in names)) + "{}\n"
    if form == "csv":
        lines = [f"{name},Signed Up,2026-01-05,m-{name}" for name in names]
        text = "\n".join(["userId,event,timestamp,messageId", *lines, "x,Signed Up,soon,m-x"]) + "\n"
    asked: dict[str, Any] = {"kind": "events", "format": form, "journey": "welcome"}
    tables = (Customer, Event, Enrollment, Decision, Dispatch)
    before = [rows(parts, table) for table in tables]
    shown = upload(client, text, dry_run=True, **asked).json()
    assert [rows(parts, table) for table in tables] == before
    done = imported(client, parts, text, **asked)
    assert shown["placing"] == done["result"]
    assert (shown["placing"]["enrolled"], shown["placing"]["already_enrolled"]) == (3, 1)
    assert [(one["line"], one["reason"]) for one in shown["errors"]] == errors(client, done)
    again = upload(client, text, dry_run=True, **asked).json()["placing"]
    assert (again["events"], again["enrolled"], again["repeated"]) == (1, 0, 4), "what is refused is no repeat"


def test_a_table_is_done_when_its_records_are(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, 'userId,note\n1,"two\nlines"\n2,x\n', kind="customers")
    assert (done["done"], done["total"]) == (2, 2)


# -- what is refused at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "params", "path", "says"),
    [
        (b"", {"kind": "customers"}, None, "empty"),
        ("email\nx@y.de\n", {"kind": "customers"}, None, "the header lacks userId; it names email"),
        (b"userId,name\n1,M\xfcller\n2,M\xc3\xbcller\n", {"kind": "customers"}, "encoding", "line 2 is not UTF-8"),
        ("userId\n1\n", {"kind": "enrollments"}, "journey", "name the journey"),
        ("userId\n1\n", {"kind": "enrollments", "journey": "none"}, None, "no journey"),
        ("userId\n1\n", {"kind": "people"}, "kind", "events"),
        ("userId\n1\n", {"kind": "customers", "format": "xls"}, "format", "csv"),
        ("userId,timestamp\n1,2026-01-01\n", {"kind": "events"}, None, "the header lacks messageId"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(
    client: TestClient, parts: Parts, content: str | bytes, params: Any, path: str | None, says: str
) -> None:
    answer = upload(client, content, **params)
    assert answer.status_code in (404, 422)
    assert says in json.dumps(answer.json())
    if path:
        assert answer.json()["path"] == path
    assert client.get("/v1/operations").json()["items"] == []
    assert rows(parts, UploadPart) == [], "nothing is stored by half"


def test_an_encoding_is_recognised_by_the_whole_file(client: TestClient, parts: Parts) -> None:
    text = b"userId,name\n" + b"1,Ann\n" * 30_000 + "2,M\xfcller\n".encode("latin-1")
    shown = upload(client, text, kind="customers", dry_run=True).json()
    assert (shown["form"]["encoding"], shown["records"], shown["error_count"]) == ("windows-1252", 30_001, 0)


def test_a_line_that_is_too_long_stops_nobody_else(client: TestClient, parts: Parts) -> None:
    lines = b'{"userId": "1"}\n{"userId": "2", "x": "' + b"x" * 200_000 + b'"}\n{"userId": "3"}\n'
    done = imported(client, parts, lines, kind="customers", format="ndjson")
    assert (done["result"]["taken"], errors(client, done)) == (2, [(2, "the line is longer than 65,536 bytes")])


# -- on the way --------------------------------------------------------------------------------------------------------


def cut_off(parts: Parts, operation_id: str, pages: int) -> None:
    """A worker does some pages and dies."""
    with parts.database.writing() as session:
        operation = operations.begin(session, operation_id, parts.clock())
    assert operation is not None
    work = import_lines.pages(parts.database, operation, parts.clock)
    for _ in range(pages):
        page = next(work)
        parts.database.write(lambda session, page=page: operations.advance(session, operation_id, page))


def test_an_import_goes_on_where_a_worker_died(client: TestClient, parts: Parts) -> None:
    text = "userId,n\n" + "".join(f"{number},{number}\n" if number % 700 else ",\n" for number in range(1_300))
    operation = upload(client, text, kind="customers").json()["id"]
    cut_off(parts, operation, 2)
    halfway = client.get(f"/v1/operations/{operation}").json()
    assert (halfway["status"], halfway["done"], halfway["total"]) == ("running", 1_000, 1_300)
    assert work(parts, operation) == "done"
    done = client.get(f"/v1/operations/{operation}").json()
    assert (done["done"], done["result"], done["error_count"]) == (1_300, {"taken": 1_298, "repeated": 0}, 2)
    assert len(rows(parts, Customer)) == len(rows(parts, Event)) == 1_298


def test_an_import_is_cancelled_and_what_was_done_stays(client: TestClient, parts: Parts) -> None:
    text = "userId\n" + "".join(f"{number}\n" for number in range(1, 1_501))
    operation = upload(client, text, kind="customers").json()["id"]
    cut_off(parts, operation, 1)
    assert client.post(f"/v1/operations/{operation}/cancel").status_code == 200
    assert work(parts, operation) == "cancelled"
    assert len(rows(parts, Customer)) == 500
    refused = client.post(f"/v1/operations/{operation}/cancel")
    assert (refused.status_code, "cancelled already" in refused.json()["detail"]) == (409, True)


def test_what_fails_again_and_again_is_told_and_not_tried_for_ever(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")
        yield

    monkeypatch.setitem(activities.KINDS, "import customers", breaks)
    operation = upload(client, "userId\n1\n", kind="customers").json()["id"]
    with pytest.raises(ZeroDivisionError):
        work(parts, operation)
    assert client.get(f"/v1/operations/{operation}").json()["status"] == "running"
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=5)
    assert asyncio.run(environment.run(parts.operations().operate, operation)) == "failed"
    assert "ZeroDivisionError" in client.get(f"/v1/operations/{operation}").json()["error"]


def test_counts_of_an_import_of_events_add_up_over_its_pages(client: TestClient, parts: Parts) -> None:
    many = history(*((f"c{number}", "2026-01-01", f"m{number}") for number in range(250)))
    done = imported(client, parts, many, kind="events", format="ndjson")
    assert done["result"] == {"customers": 250, "events": 250, "enrolled": 0, "repeated": 0}


def test_progress_has_a_rate_and_the_time_that_is_left(client: TestClient, parts: Parts, clock: Any) -> None:
    text = "userId\n" + "".join(f"{number}\n" for number in range(1, 1_501))
    operation = upload(client, text, kind="customers").json()["id"]
    cut_off(parts, operation, 1)
    clock.forward(seconds=10)
    shown = client.get(f"/v1/operations/{operation}").json()
    assert (shown["rate"], shown["seconds_left"]) == (50.0, 20)


def test_an_operation_is_watched_by_server_sent_events(client: TestClient, parts: Parts) -> None:
    operation = upload(client, "userId\n1\n", kind="customers").json()["id"]
    work(parts, operation)
    with client.stream("GET", f"/v1/operations/{operation}/watch") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line]
    assert lines[0] == "event: end" or lines[1] == "event: end"
    data = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
    assert (data["id"], data["status"], data["done"]) == (operation, "done", 1)


def test_an_import_repeated_under_its_key_is_one_import(client: TestClient) -> None:
    headers = {"Idempotency-Key": "monday"}
    first, again = (
        client.post("/v1/imports", params={"kind": "customers"}, content=b"userId\n1\n", headers=headers)
        for _ in range(2)
    )
    assert first.json()["id"] == again.json()["id"]
    other = client.post("/v1/imports", params={"kind": "customers"}, content=b"userId\n2\n", headers=headers)
    assert other.status_code == 409
    assert len(client.get("/v1/operations").json()["items"]) == 1


def test_operations_are_listed_by_kind_and_state(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, "userId\n1\n", kind="customers")
    waiting = upload(client, "userId,topic,granted\n1,news,yes\n", kind="consents").json()
    newest = client.get("/v1/operations").json()["items"]
    assert [one["id"] for one in newest] == [waiting["id"], done["id"]]
    assert [one["id"] for one in client.get("/v1/operations?status=done").json()["items"]] == [done["id"]]
    assert [one["id"] for one in client.get("/v1/operations?kind=import consents").json()["items"]] == [waiting["id"]]
    assert rows(parts, Consent) == []


def test_every_kind_of_operation_has_somebody_who_does_it() -> None:
    from typing import get_args

    from activities import single_mails
    from activities.operations import KINDS
    from api.schemas.operations import OperationKind
    from services.reconciliation import reconciling

    assert set(get_args(OperationKind)) == {*KINDS, *single_mails.KINDS, reconciling.KIND}
    assert Operations is not None


def test_an_erasure_is_answered_like_every_operation(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {}})
    answer = client.delete("/v1/customers/ann")
    assert (answer.status_code, answer.json()["kind"], answer.json()["status"]) == (202, "erase", "queued")
    assert client.get(f"/v1/operations/{answer.json()['id']}").json() == answer.json()
