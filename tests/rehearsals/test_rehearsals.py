"""`waypost simulate` and `waypost backtest` as they are typed, on CDNOW and on bad input."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.cdnow import demo

ROOT = Path(__file__).parent.parent.parent
LIFECYCLE = ROOT / "examples" / "cdnow" / "lifecycle.yaml"


def waypost(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "waypost.cli", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orders of CDNOW where they stand in time, as an event file, out of order."""
    path = tmp_path_factory.mktemp("cdnow") / "orders.ndjson"
    lines = [json.dumps(one) for one in demo.segment_events(0) if one["type"] == "track"]
    path.write_text("\n".join(sorted(lines, key=lambda line: line[-30:])))
    return path


def test_the_cdnow_orders_lead_where_they_are_known_to_lead(tmp_path: Path, orders: Path) -> None:
    done = waypost(tmp_path, "backtest", str(LIFECYCLE), "--events", str(orders), "--until", "1998-06-30", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["stages"] == {"core": 192, "repeat_buyer": 107, "lapsed": 381, "inactive": 1677}
    assert (told["customers"], told["movements"]["->first_time_buyer"]) == (2357, 2357)
    assert sum(told["messages"].values()) == sum(sum(day.values()) for day in told["mails_by_day"].values())
    assert told["skipped"] == {}


def test_two_versions_stand_side_by_side_with_pictures(tmp_path: Path, orders: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(LIFECYCLE.read_text().replace("inactive: 90 days", "inactive: 60 days"))
    few = tmp_path / "few.ndjson"
    few.write_text("\n".join(orders.read_text().splitlines()[:300]))
    done = waypost(
        tmp_path, "backtest", str(LIFECYCLE), "--events", str(few), "--against", str(other), "--pictures", "out"
    )
    assert done.returncode == 0, done.stderr
    assert "against" in done.stdout
    assert {one.name for one in (tmp_path / "out").iterdir()} == {"map.svg", "mails.svg", "stages.svg", "compared.svg"}
    for picture in (tmp_path / "out").iterdir():
        ElementTree.parse(picture)


def test_one_made_up_customer_is_followed(tmp_path: Path) -> None:
    words = ["--event", '3 days: Order Completed {"total": 20}', "--start", "2026-01-01", "--days", "200", "--json"]
    done = waypost(tmp_path, "simulate", str(LIFECYCLE), *words)
    assert done.returncode == 0, done.stderr
    (enrollment,) = json.loads(done.stdout)
    sent = [(one["detail"]["template"], one["at"][:10]) for one in enrollment["path"] if one["what"] == "sent"]
    assert sent == [
        ("thank_you", "2026-01-01"), ("thank_you", "2026-01-04"), ("cross_sell", "2026-01-18"),
        ("we_miss_you", "2026-04-04"), ("win_back_offer", "2026-04-18"),
    ]  # fmt: skip
    assert (enrollment["stage"], enrollment["status"]) == ("lapsed", "live")


def test_a_typed_event_has_properties_and_one_that_nothing_listens_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(
        "journey: large\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{on: Order Completed, when: event.properties.total >= 100, to: b}]}\n  b: {final: true}"
    )
    words = ["--event", "1 day: Order Completed", "--with", "total=20", "--with", "currency=EUR"]
    words += ["--event", "3 days: Order Completed", "--with=total=120", "--event", "5 days: Ordr Completed", "--json"]
    done = waypost(tmp_path, "simulate", "large.yaml", *words)
    assert done.returncode == 0, done.stderr
    (enrollment,) = json.loads(done.stdout)
    moved = [one["at"][:10] for one in enrollment["path"] if one["what"] == "moved"]
    assert (enrollment["stage"], len(moved)) == ("b", 1)
    assert "nothing listens to 'Ordr Completed' here; expected 'Order Completed', the nearest name" in done.stderr


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "the line is not JSON"),
        ('{"type": "track", "userId": "1", "timestamp": "2026-01-01"}', "names its event"),
        ('{"type": "track", "userId": "1", "event": "E", "timestamp": "2061-01-01"}', "lies in the future"),
        ('{"type": "track", "userId": "1", "event": "E", "timestamp": "soon"}', "must be an ISO 8601 instant"),
    ],
)
def test_a_broken_line_is_named_and_stops_nobody(tmp_path: Path, line: str, reason: str) -> None:
    good = json.dumps({"type": "track", "userId": "2", "event": "Order Completed", "timestamp": "2026-01-01"})
    (tmp_path / "events.ndjson").write_text(f"{good}\n{line}\n")
    done = waypost(tmp_path, "backtest", str(LIFECYCLE), "--events", "events.ndjson", "--json")
    assert (done.returncode, json.loads(done.stdout)["enrolled"], json.loads(done.stdout)["errors"]) == (0, 1, 1)
    assert "line 2" in done.stderr
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["backtest", str(LIFECYCLE)], "give --events FILE"),
        (["simulate", str(LIFECYCLE), "--event", "soon: E"], "is not a duration"),
        (["simulate", str(LIFECYCLE), "--event", "nothing"], "an event is written as"),
        (["simulate", str(LIFECYCLE), "--with", "total=1"], "stands behind the --event whose property it is"),
        (["simulate", str(LIFECYCLE), "--event", "1 day: E", "--with", "total"], "a property is written as total=120"),
        (["simulate", str(LIFECYCLE), "--set", "plan"], "an attribute is written as plan=team"),
        (["simulate", str(LIFECYCLE), "--start", "tomorrow"], "must be an ISO 8601 instant"),
    ],
)
def test_a_wrong_word_is_answered_in_a_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = waypost(tmp_path, *words)
    assert done.returncode == 1
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_an_endless_loop_ends_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text(
        "journey: j\nenter: [{on: E}]\nstart: a\nstages:\n  a: {transitions: [{when: customer.x, to: b}]}\n"
        "  b: {transitions: [{when: customer.x, to: a}]}\n"
    )
    done = waypost(tmp_path, "simulate", str(path), "--set", "x=true", "--json")
    assert "possible_loop" in done.stderr
    assert json.loads(done.stdout)[0]["reason"] == "loop"
