"""The command line answers at once, and cuts nothing: what it does not load, and what its tables show in 60 columns."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from waypost.cli.tables import books, customer_status
from waypost.cli.terminal import failures_as_sentences
from waypost.errors import ApiProblem
from waypost.stack.free_port import free_port

SERVER = {"temporalio", "sqlalchemy", "sqlmodel", "fastapi", "jinja2", "ruamel", "prometheus_client"}
"""What the API and the worker need."""

CLIENT = {"pydantic", "pydantic_settings", "httpx", "rich.markdown"}
"""What a question needs beside, and help does not."""


def run(home: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "WAYPOST_HOME": str(home), "WAYPOST_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, *options.get("python", ()), "-m", "waypost.cli", *arguments],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "left_out"),
    [
        (("--version",), {*SERVER, *CLIENT, "typer", "rich"}),
        (("--help",), {*SERVER, *CLIENT} - {"pydantic"}),
        (("status", "ann@example.com"), SERVER),
        (("why", "ann@example.com"), SERVER),
        (("enrollment", "skip", "ann@example.com"), SERVER),
        (("reconcile",), SERVER),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_a_command_loads_what_it_alone_needs(arguments: tuple[str, ...], left_out: set[str], tmp_path: Path) -> None:
    told = run(tmp_path, *arguments, python=("-X", "importtime")).stderr
    loaded = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    assert "waypost.cli.main" in loaded
    assert loaded & left_out == set()


def test_what_is_piped_stands_on_one_line_however_long_it_is(tmp_path: Path) -> None:
    said = run(tmp_path / ("a" * 100), "status", "ann@example.com").stderr
    assert said.count("\n") == 1
    listed = run(tmp_path, "validate", str(tmp_path / ("no" * 60))).stderr
    assert "no" * 60 in listed


def test_a_key_of_another_installation_is_told_where_the_right_one_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), failures_as_sentences():
        raise ApiProblem(401, {"detail": "send a live key as Authorization: Bearer wp_…"})
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("waypost: what runs at that address does not know this key: go to the folder where it was")


def shown(draw: Any, *given: Any, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    draw(console, *given)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def entry(at: str, what: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "kind": "decision", "what": what, "journey": "win_back_of_spring", "stage": "lapsed", "step": None,
            "detail": {}, **more}  # fmt: skip


CUSTOMER = {"id": "cus_1", "external_id": "17", "email": "ann@example.com", "timezone": "Europe/Berlin"}
STATUS = {"customer": CUSTOMER, "lifecycle_stage": None, "enrollments": []}
REASON = "the_topic_needs_the_consent_of_the_customer_and_there_is_none_whatever_else_is_said_about_it"


def test_a_row_says_its_journey_and_the_time_of_both_clocks() -> None:
    told = shown(customer_status.print_status, STATUS, [entry("2026-03-01T09:00:00Z", "rested")], width=200)
    *_, head, row = told.splitlines()
    assert head.split("  ")[0] == "When (UTC)"
    assert "When (Europe/Berlin)" in head
    assert row.split() == [
        "2026-03-01", "09:00:00", "2026-03-01", "10:00:00", "rested", "win_back_of_spring", "lapsed",
    ]  # fmt: skip


def test_a_customer_without_a_zone_of_this_world_is_shown_by_utc_alone() -> None:
    lost = {**STATUS, "customer": {**CUSTOMER, "timezone": "Mars/Olympus"}}
    told = shown(customer_status.print_status, lost, [entry("2026-03-01T09:00:00Z", "rested")], width=200)
    assert told.splitlines()[-1].split() == ["2026-03-01", "09:00:00", "rested", "win_back_of_spring", "lapsed"]


def test_a_narrow_terminal_wraps_a_reason_and_cuts_nothing() -> None:
    story = [entry("2026-03-01T09:00:00Z", "skipped", detail={"reason": REASON})]
    told = shown(customer_status.print_status, STATUS, story, width=60)
    assert "…" not in told
    assert len(max(told.splitlines(), key=len)) <= 60
    assert set(REASON) <= set(told)
    whole = shown(customer_status.print_status, STATUS, story, width=400)
    assert REASON in whole


def test_what_is_piped_is_as_wide_as_any_reason() -> None:
    code = "from waypost.cli import terminal; print(terminal.console.width, terminal.complaints.width)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["100000", "100000"]


def test_bookkeeping_that_repeats_is_one_row_with_how_often() -> None:
    deferred = {"reason": "quiet_hours"}
    story = [
        entry("2026-03-03T09:00:00Z", "deferred", detail=deferred),
        entry("2026-03-02T09:00:00Z", "deferred", detail=deferred),
        entry("2026-03-01T09:00:00Z", "deferred", detail=deferred),
        entry("2026-02-01T09:00:00Z", "deferred", detail={"reason": "frequency_cap"}),
    ]
    rows = shown(customer_status.print_status, STATUS, story, width=200).splitlines()[-2:]
    assert [row.rpartition("lapsed")[2].strip() for row in rows] == ["quiet_hours (×3)", "frequency_cap"]


def test_until_when_a_mail_is_held_is_told_like_every_other_time() -> None:
    held = {"template": "welcome", "reason": "no_address_yet", "until": "2026-03-04T09:00:40.613056+00:00"}
    rows = shown(
        customer_status.print_status, STATUS, [entry("2026-03-01T09:00:00Z", "deferred", detail=held)], width=200
    )
    assert rows.rstrip().endswith("welcome, no_address_yet, until 2026-03-04 09:00:40 UTC")


def test_what_a_customer_did_keeps_its_times_and_what_their_profile_says_is_one_row() -> None:
    did = {"kind": "event", "journey": None, "stage": None}
    story = [entry(f"2026-03-0{day}T09:00:00Z", "Order Completed", **did) for day in (3, 2)]
    story += [entry(f"2026-02-0{day}T09:00:00Z", "Identify", **did) for day in (3, 2, 1)]
    rows = shown(customer_status.print_status, STATUS, story, width=200).splitlines()[-3:]
    assert [" ".join(row.split()) for row in rows] == [
        "2026-03-03 09:00:00 2026-03-03 10:00:00 Order Completed",
        "2026-03-02 09:00:00 2026-03-02 10:00:00 Order Completed",
        "2026-02-03 09:00:00 2026-02-03 10:00:00 Identify (×3)",
    ]


BOOK = {
    "journey": "a_journey_with_a_long_name", "entered": 12_345_678, "live": 12_000_000, "ended": {"completed": 345_678},
    "messages": {"planned": 23_456_789, "accepted": 23_000_000, "failed": {"rejected": 456_000},
                 "skipped": {"frequency_cap": 700, "unsubscribed": 89}, "waiting": 0, "unknown": 0, "parked": 0},
    "differences": {},
}  # fmt: skip
FOUND = {
    "balanced": True, "recounted": False, "journeys": [BOOK], "on_their_way": {}, "outbox": None, "overdue": 0, "stuck": 0, "unreadable_journeys": [], "unreadable_segments": [], "stuck_hooks": {}, "stuck_dispatches": {}, "last_check": None,
    "broadcasts": [{"broadcast": "spring", "messages": BOOK["messages"], "differences": {"accepted_messages": 3}}],
    "revenue": {"checked_at": None, "differences": {"last_EUR_counted_but_not_credited": 17}},
}  # fmt: skip


def test_the_books_tell_each_reason_with_its_count_and_broadcasts_too() -> None:
    told = shown(books.print_books, FOUND, width=200)
    assert "12,345,678" in told
    assert [line for line in told.splitlines() if ": " in line] == [
        "a_journey_with_a_long_name, ended: completed 345,678",
        "a_journey_with_a_long_name, failed: rejected 456,000",
        "a_journey_with_a_long_name, skipped: frequency_cap 700, unsubscribed 89",
        "spring, failed: rejected 456,000",
        "spring, skipped: frequency_cap 700, unsubscribed 89",
        "✗ spring: 3 accepted messages",
        "✗ revenue: 17 last EUR counted but not credited",
    ]
    assert [line.split()[:2] for line in told.splitlines() if "23,456,789" in line] == [
        ["a_journey_with_a_long_name", "12,345,678"], ["broadcast", "spring"],
    ]  # fmt: skip


def test_no_figure_of_the_books_is_cut_on_a_narrow_terminal() -> None:
    told = shown(books.print_books, FOUND, width=60)
    assert "…" not in told
    digits = sum(char.isdigit() for char in told)
    assert digits == sum(char.isdigit() for char in shown(books.print_books, FOUND, width=200))
