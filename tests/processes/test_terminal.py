"""What a terminal shows of an instant, and of work that takes a while."""

import io

import pytest
from rich.console import Console

from waypost.cli import terminal


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a person sees beside the output."""
    seen = io.StringIO()
    monkeypatch.setattr(terminal, "complaints", Console(file=seen, width=100, force_terminal=True, color_system=None))
    return seen


@pytest.mark.parametrize(
    ("at", "seconds", "shown"),
    [
        ("2026-11-27T04:12:59.631847Z", False, "2026-11-27 04:12"),
        ("2026-11-27T04:12:59.631847Z", True, "2026-11-27 04:12:59"),
        ("2026-11-27T04:12:59+00:00", True, "2026-11-27 04:12:59"),
        (None, True, ""),
        ("", False, ""),
    ],
)
def test_an_instant_is_told_by_the_minute_or_the_second(at: str | None, seconds: bool, shown: str) -> None:
    assert terminal.told_time(at, seconds=seconds) == shown


def test_a_bar_says_what_is_done_and_how_many_of_how_many(screen: io.StringIO) -> None:
    with terminal.progress_bar(transient=False) as bar:
        task = bar.add_task("Placing", total=400)
        bar.update(task, completed=100)
    assert "Placing" in screen.getvalue()
    assert "100/400" in screen.getvalue()


def test_where_an_answer_is_for_machines_there_is_no_bar(screen: io.StringIO) -> None:
    with terminal.progress_bar(shown=False) as bar:
        bar.update(bar.add_task("Placing", total=400), completed=100)
    assert screen.getvalue() == ""


def test_an_operation_that_is_watched_is_a_bar_from_its_first_sign_on(screen: io.StringIO) -> None:
    with terminal.counting() as told:
        assert "Counting" not in screen.getvalue()
        told({"total": None, "done": 0})
        told({"total": 2_357, "done": 1_200})
    assert "Counting" in screen.getvalue()
    assert "1200/2357" in screen.getvalue()


def test_a_report_that_is_counted_at_once_shows_none(screen: io.StringIO) -> None:
    with terminal.counting():
        pass
    assert "Counting" not in screen.getvalue()
