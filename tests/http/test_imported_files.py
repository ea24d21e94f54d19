"""Files as other systems write them: what a cell says is kept, what breaks a table is told by its line, and a dry run shows
all of it before anything is done. Each case is a file that somebody had trouble with elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient
from sqlmodel import select

from store.tables.access import Operation, UploadPart
from store.tables.customers import Customer, Event
from tests.http.test_operations import errors, imported, rows, upload, work
from waypost.cli import import_by_api
from waypost.client import Waypost
from waypost.client.models import OperationOut
from waypost.wiring import Parts

LEADING_ZEROS = """\
userId,email,phone,zip,loyalty_card,coupon
lz1,lz1@example.com,0049171234567,01067,0012,1_000
lz4,lz4@example.com,+49171234567,02138,7,1.10
"""


def attributes(client: TestClient, customer: str) -> dict[str, Any]:
    return client.get(f"/v1/customers/{customer}").json()["customer"]["attributes"]


def test_zeros_signs_and_marks_stay_in_their_cells(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, LEADING_ZEROS, kind="customers")
    assert (done["result"], done["error_count"]) == ({"taken": 2, "repeated": 0}, 0)
    assert attributes(client, "lz1") == {
        "email": "lz1@example.com", "phone": "0049171234567", "zip": "01067", "loyalty_card": "0012", "coupon": "1_000",
    }  # fmt: skip
    assert attributes(client, "lz4") == {
        "email": "lz4@example.com", "phone": "+49171234567", "zip": "02138", "loyalty_card": 7, "coupon": "1.10",
    }  # fmt: skip


def test_a_number_of_twenty_digits_is_a_text_and_refuses_nobody(client: TestClient, parts: Parts) -> None:
    text = "userId,email,loyalty_card\nlz2,lz2@example.com,12345678901234567890\n"
    assert imported(client, parts, text, kind="customers")["error_count"] == 0
    assert attributes(client, "lz2")["loyalty_card"] == "12345678901234567890"


def test_two_columns_of_one_name_are_refused(client: TestClient, parts: Parts) -> None:
    text = "userId,email,first_name,email\ndh1,dh1@example.com,Ann,\ndh2,dh2@example.com,Ann,dh2-other@example.com\n"
    answer = upload(client, text, kind="customers")
    assert (answer.status_code, answer.json()["detail"]) == (422, "the header names email twice")
    assert rows(parts, UploadPart) == rows(parts, Customer) == []


def test_a_quotation_mark_that_is_never_closed_swallows_nobody(client: TestClient, parts: Parts) -> None:
    text = 'userId,email,first_name\nuq1,uq1@example.com,"Ann\nuq2,uq2@example.com,Bob\nuq3,uq3@example.com,Cy\n'
    done = imported(client, parts, text, kind="customers")
    assert errors(client, done) == [(2, "the line is no CSV: a quotation mark is not closed")]
    assert sorted(one.external_id for one in rows(parts, Customer)) == ["uq2", "uq3"]


def test_lines_may_end_as_on_the_macintosh_of_old(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, "userId,email\rcr1,cr1@example.com\rcr2,cr2@example.com\r", kind="customers")
    assert (done["result"]["taken"], done["total"], done["error_count"]) == (2, 2, 0)
    assert done["file"] == {"format": "csv", "encoding": "utf-8", "delimiter": "comma", "line_ends": "cr"}


def test_what_windows_writes_is_recognised_and_said(client: TestClient, parts: Parts) -> None:
    text = "userId;E-Mail;first_name\r\n1;j@example.com;Jürgen\r\n"
    done = imported(client, parts, text.encode("cp1252"), kind="customers")
    assert done["file"] == {
        "format": "csv", "encoding": "windows-1252", "delimiter": "semicolon", "line_ends": "crlf",
    }  # fmt: skip
    assert attributes(client, "1") == {"email": "j@example.com", "first_name": "Jürgen"}


ORDERS = "userId;event;timestamp;messageId;total;order_id\nimp1;Order Completed;2026-02-01T10:00:00Z;im-1;39,90;0012\n"


def test_a_decimal_comma_that_nobody_said_is_told_and_adds_no_zero(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, ORDERS, kind="events")
    assert [line for line, _ in errors(client, done)] == [2]
    assert "total: is no number with a decimal point, found '39,90'" in errors(client, done)[0][1]
    assert rows(parts, Event) == []


def test_a_decimal_comma_that_was_said_is_an_amount(client: TestClient, parts: Parts) -> None:
    done = imported(client, parts, ORDERS, kind="events", decimal="comma")
    assert done["error_count"] == 0
    (customer,) = rows(parts, Customer)
    (event,) = rows(parts, Event)
    assert customer.events["Order Completed"]["sum"] == 39.9
    assert event.properties == {"total": 39.9, "order_id": "0012"}


def test_texts_of_json_stay_texts(client: TestClient, parts: Parts) -> None:
    imported(client, parts, '{"userId": "1", "zip": "01067", "age": 41}\n', kind="customers", format="ndjson")
    assert attributes(client, "1") == {"zip": "01067", "age": 41}


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"encoding": "ebcdic"}, "encoding"),
        ({"delimiter": "space"}, "delimiter"),
        ({"decimal": "dot"}, "decimal"),
        ({"dates": "dmy"}, "dates"),
        ({"text": "zip", "number": "zip"}, "number"),
    ],
)
def test_a_form_that_does_not_exist_is_refused(client: TestClient, params: dict[str, str], path: str) -> None:
    answer = upload(client, "userId,zip\n1,01067\n", kind="customers", **params)
    assert (answer.status_code, answer.json()["path"]) == (422, path)


# -- a dry run ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_what_would_become_of_a_file_and_does_nothing(client: TestClient, parts: Parts) -> None:
    text = "User ID;E-Mail;zip;\n" + "".join(f"{one};a{one}@example.com;{one}0115;\n" for one in range(1, 12))
    text += '12;b@example.com;01067;\n13;c@example.com\n;d@example.com;1;\n"15'
    answer = upload(client, text, kind="customers", dry_run=True)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["rows"][0] == {"line": 2, "record": {"userId": "1", "email": "a1@example.com", "zip": 10115}}
    assert [one["line"] for one in shown.pop("rows")] == list(range(2, 12))
    hint = "holds texts and numbers: say text=zip or number=zip"
    none = {"texts": 0, "numbers": 0, "other": 0, "empty": 0, "hint": None}
    assert shown == {
        "kind": "customers",
        "form": {"format": "csv", "encoding": "utf-8", "delimiter": "semicolon", "line_ends": "lf"},
        "records": 15,
        "columns": [
            {**none, "column": "User ID", "becomes": "userId", "texts": 12, "empty": 1},
            {**none, "column": "E-Mail", "becomes": "email", "texts": 13},
            {**none, "column": "zip", "becomes": "zip", "texts": 1, "numbers": 12, "hint": hint},
        ],
        "error_count": 3,
        "errors": [
            {"line": 14, "reason": "the line is no CSV: it has 2 cells, and the header names 4"},
            {"line": 15, "reason": "userId: userId or anonymousId is required"},
            {"line": 16, "reason": "the line is no CSV: a quotation mark is not closed"},
        ],
        "placing": None,
    }
    with parts.database.reading() as session:
        for table in (Operation, UploadPart, Customer, Event):
            assert session.exec(select(table)).all() == []


def test_a_dry_run_tells_the_errors_that_the_import_has(client: TestClient, parts: Parts) -> None:
    client.put("/v1/customers/17", json={"attributes": {}})
    consents = "userId,topic,granted\n17,news,yes\n99,news,yes\n17,news,maybe\n"
    for text, asked in (
        (consents, {"kind": "consents"}),
        (ORDERS, {"kind": "events"}),
        ('{"userId": "1"}\nnonsense\n[]\n{"traits": {}}\n', {"kind": "customers", "format": "ndjson"}),
    ):
        shown = upload(client, text, dry_run=True, **asked).json()
        done = imported(client, parts, text, **asked)
        told = [(one["line"], one["reason"]) for one in shown["errors"]]
        assert (shown["error_count"], told) == (done["error_count"], errors(client, done))
        assert told


def test_a_dry_run_tells_which_values_nobody_will_understand(client: TestClient) -> None:
    text = "userId,email,timezone,locale,revenue\n1,Ann <ann@example.com>,PST,de,ten\n2,b@example.com,UTC,Deutsch,5\n"
    shown = upload(client, text, kind="customers", dry_run=True).json()
    told = "1 of its values cannot be read, and count as if they were not there"
    assert shown["error_count"] == 0
    assert {one["becomes"]: one["hint"] for one in shown["columns"]} == {
        "userId": None, "email": told, "timezone": told, "locale": told, "revenue": told
    }  # fmt: skip


def test_a_dry_run_is_refused_where_the_import_would_be(client: TestClient) -> None:
    assert upload(client, "userId\n1\n", kind="enrollments", dry_run=True).json()["path"] == "journey"
    assert "lacks userId" in upload(client, "id\n1\n", kind="customers", dry_run=True).json()["detail"]
    assert "empty" in upload(client, "", kind="customers", dry_run=True).json()["detail"]


# -- on the command line -----------------------------------------------------------------------------------------------


class Served(Waypost):
    """The client of an installation whose worker does what it is asked, at once."""

    parts: Parts

    def watch(self, operation: str, every: float = 0.5) -> Iterator[OperationOut]:
        work(self.parts, operation)
        return super().watch(operation, every)


@pytest.fixture
def served(client: TestClient, parts: Parts, keys: dict[str, str]) -> Iterator[Served]:
    with Served("http://testserver", keys["admin"], transport=client._transport) as made:
        made.parts = parts
        yield made


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "customers.tsv"
    path.write_bytes("userId\tE-Mail\tspent\n1\tann@example.com\t39,90\n\tbob@example.com\t1\n".encode("utf-16"))
    return path


def test_a_dry_run_and_an_import_as_they_are_typed(
    served: Served, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"decimal": "comma", "number": ["spent"]}
    told = {"format": "csv", "encoding": "utf-16-le", "delimiter": "tab", "line_ends": "lf"}
    for command in (import_by_api.preview, import_by_api.run):
        with pytest.raises(typer.Exit):
            command(served, table, "customers", asked, True)
        shown = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert shown.get("form", shown.get("file")) == told
        assert (shown["error_count"], [one["line"] for one in shown["errors"]]) == (1, [3])
    (ann,) = rows(served.parts, Customer)
    assert ann.attributes == {"email": "ann@example.com", "spent": 39.9}


def test_what_is_typed_is_told_in_sentences(served: Served, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command, says in ((import_by_api.preview, "Becomes"), (import_by_api.run, "done: 1 taken, 0 repeated")):
        with pytest.raises(typer.Exit):
            command(served, table, "customers", {}, False)
        shown = capsys.readouterr()
        assert "csv, utf-16-le, tab, lf" in shown.out
        assert says in shown.out
        assert "line 3: userId: userId or anonymousId is required" in shown.err
