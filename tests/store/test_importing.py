"""Import: real histories placed where they belong, nobody mailed for the past, a second run a no-op."""

import csv
import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, func, select

from journeys.checks.lint import NOWHERE
from services.definitions.journey_versions import drafts, journeys
from services.imports.histories import event_histories
from services.imports.histories.event_histories import LineErrors
from services.imports.placing import placement
from services.imports.placing.placement import Placed
from store.queries.figures import counts
from store.session import Database
from store.tables.customers import Event
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from store.tables.messages import Message

CDNOW = Path(__file__).parent.parent.parent / "examples" / "cdnow"
LAST_DAY = datetime(1998, 6, 30, tzinfo=UTC)
COUNTED = ("customers", "events", "repeated", "enrolled")
TEMPLATES = frozenset({"thank_you", "cross_sell", "loyalty", "we_miss_you", "win_back_offer"})


@pytest.fixture
def lifecycle(database: Database) -> None:
    with database.writing() as session:
        text = (CDNOW / "lifecycle.yaml").read_text()
        drafts.put_draft(session, drafts.read_draft("lifecycle", text, NOWHERE), LAST_DAY)
        journeys.publish(session, "lifecycle", TEMPLATES, LAST_DAY)


def run(database: Database, path: Path, now: datetime = LAST_DAY, chunks: int | None = None) -> Placed:
    """Place a file, or its first chunks."""
    errors, counts = LineErrors(), Counter[str]()
    with database.reading() as session:
        live = journeys.live(session, "lifecycle")
    for chunk in islice(placement.chunks(event_histories.read_file(path, now, errors).items()), chunks):
        placed = asdict(place(database, chunk, live, now))
        assert placed.pop("errors") == []
        del placed["left_alone"]
        counts.update(placed)
    return Placed(**{name: counts[name] for name in COUNTED}, errors=errors.first, left_alone={})


def place(database: Database, chunk: Any, live: Any, now: datetime) -> Placed:
    return database.write(lambda session: placement.write(session, placement.prepare(session, chunk, live, now)))


def orders(path: Path, every: int = 1) -> Path:
    """The CDNOW orders (of each `every`th customer) as NDJSON."""
    with (CDNOW / "orders.csv").open() as file, path.open("w") as out:
        for number, row in enumerate(csv.DictReader(file)):
            if int(row["customer"]) % every == 0:
                line = {
                    "type": "track", "userId": row["customer"], "event": "Order Completed", "messageId": f"o{number}",
                    "timestamp": row["ordered_on"] + "T00:00:00Z", "properties": {"total": float(row["total"])},
                }  # fmt: skip
                out.write(json.dumps(line) + "\n")
    return path


def total(database: Database, table: Any, *where: Any) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(table).where(*where)).one()


@pytest.mark.usefixtures("lifecycle")
def test_the_cdnow_customers_are_where_their_history_puts_them(database: Database, tmp_path: Path) -> None:
    placed = run(database, orders(tmp_path / "orders.ndjson"))
    assert placed == Placed(customers=2357, events=6919, repeated=0, enrolled=2357, errors=[])
    with database.reading() as session:
        stages = counts.stages(session, "lifecycle")
        movements = counts.movements(session, "lifecycle")
    assert stages == {"core": 192, "repeat_buyer": 107, "lapsed": 381, "inactive": 1677}
    assert movements["->first_time_buyer"] == 2357
    assert total(database, Enrollment, Enrollment.status == "live") == 2357
    assert total(database, Dispatch) == 2357
    statuses = total(database, Message, Message.status == "skipped", Message.reason == "imported")
    assert statuses == total(database, Message) == 15_509
    for stage, count in stages.items():
        assert total(database, Enrollment, Enrollment.stage == stage) == count


@pytest.mark.usefixtures("lifecycle")
def test_a_second_import_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.ndjson", every=20)
    tables = (Event, Enrollment, Decision, Message, Interest, Dispatch)
    first = run(database, path)
    before = [total(database, table) for table in tables]
    second = run(database, path, LAST_DAY + timedelta(hours=1))
    assert (second.events, second.enrolled, second.repeated) == (0, 0, first.events)
    assert [total(database, table) for table in tables] == before


@pytest.mark.usefixtures("lifecycle")
def test_an_import_that_was_cut_off_goes_on(database: Database, tmp_path: Path) -> None:
    path = orders(tmp_path / "orders.ndjson", every=10)
    run(database, path, chunks=1)
    run(database, path)
    assert total(database, Enrollment) == 235
    with database.reading() as session:
        assert sum(counts.stages(session, "lifecycle").values()) == 235


@pytest.mark.usefixtures("lifecycle")
def test_the_imported_state_waits_for_what_comes_next(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "one.ndjson"
    line = {
        "type": "track",
        "userId": "1",
        "event": "Order Completed",
        "messageId": "m",
        "timestamp": "1998-06-20T00:00:00Z",
    }
    path.write_text(json.dumps(line))
    run(database, path)
    with database.reading() as session:
        enrollment = session.exec(select(Enrollment)).one()
        (row,) = session.exec(select(Dispatch)).all()
        names = session.exec(select(Interest.name)).all()
    assert (enrollment.step, enrollment.wakes_at) == ("first_time_buyer/wait:14 days", datetime(1998, 7, 4, tzinfo=UTC))
    assert names == ["Order Completed"]
    assert (row.payload["state"]["position"], row.payload["state"]["cursor"]) == ("first_time_buyer/wait:14 days", 1)


@pytest.mark.usefixtures("lifecycle")
@pytest.mark.parametrize(
    ("name", "content", "errors"),
    [
        ("e.ndjson", '{"type":"track"\n{"type":"track","userId":"1","event":"E","messageId":"m"}\n', [(1, "the line is not JSON")]),
        ("e.ndjson", '{"type":"track","userId":"1","event":"E"}', [(1, "messageId: an imported event needs one, so that a second import repeats nothing")]),
        ("e.ndjson", b'{"x": "\xff"}\n', [(1, "the line is not UTF-8")]),
        ("e.csv", "userId,event\n1,E\n", [(1, "the header lacks timestamp, messageId; it names userId, event")]),
        ("e.csv", "userId,event,timestamp,messageId\n1,E,soon,m\n", [(2, "timestamp: must be an ISO 8601 instant, found 'soon'")]),
        ("e.csv", b"userId,event,timestamp,messageId\n1,B\xf6r,1998-01-01,\xc3\xb6\n", [(1, "line 2 is not UTF-8, while other lines are: save the file in one encoding, or name one")]),
    ],
)  # fmt: skip
def test_a_wrong_line_is_reported_with_its_number_and_stops_nobody(
    database: Database, tmp_path: Path, name: str, content: str | bytes, errors: list[tuple[int, str]]
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert [(error.line, error.reason) for error in run(database, path).errors] == errors


@pytest.mark.usefixtures("lifecycle")
def test_a_csv_with_bom_and_semicolons_is_read(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(
        "\ufeffuserId;event;timestamp;messageId;total\n1;Order Completed;1998-06-01;m1;9.5\n1;Order Completed;1998-06-02;m2;1\n"
    )
    assert run(database, path).events == 2
    with database.reading() as session:
        events: list[Any] = list(session.exec(select(Event).order_by(col(Event.seq))).all())
    assert [event.properties for event in events] == [{"total": 9.5}, {"total": 1}]
