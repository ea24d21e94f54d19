"""What every command shares: how it speaks, and how each failure becomes a sentence.

Nothing that is told is cut: on a terminal a table wraps by column, and what is piped is as wide as it is long.
"""

import json
import os
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from journeys.language.problems import DefinitionProblem, InvalidJourney
from services import errors as services
from waypost.errors import ApiProblem, CannotStart, NotDone, Unreachable

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from waypost.client import Waypost
    from waypost.wiring import Parts

PIPED_WIDTH = 100_000
"""Columns where nobody looks on: longer than any reason, so that `grep` finds a row on one line."""


def _width(descriptor: int) -> int | None:
    """None on a terminal, which knows its own."""
    try:
        return None if os.isatty(descriptor) else PIPED_WIDTH
    except OSError:
        return PIPED_WIDTH


STRANGE_KEY = (
    "what runs at that address does not know this key: go to the folder where it was started (or set WAYPOST_HOME), or"
    " set WAYPOST_ADMIN_KEY"
)
"""What 401 means to whoever types a command: another installation has the port, as a rule."""

console = Console(width=_width(1))
complaints = Console(stderr=True, width=_width(2))


@contextmanager
def failures_as_sentences() -> Generator[None, None, None]:
    """Every failure as a sentence, never as a traceback."""
    try:
        yield
    except (CannotStart, NotDone, Unreachable, services.ServiceError) as error:
        fail(str(error))
    except ApiProblem as refused:
        for problem in (refused.body.get("problems") or [])[:50]:
            complaints.print(f"  {problem.get('path')}: {problem.get('message')}", markup=False)
        fail(STRANGE_KEY if refused.status == 401 else str(refused))
    except InvalidJourney as invalid:
        show_problems(invalid.problems)
        fail(f"{len(invalid.problems)} problem(s); nothing was stored")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read has read enough, as `head` does
        raise typer.Exit(0) from None
    except OSError as error:
        fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except Exception as error:
        sentence = _of_a_value(error) or _of_a_server(error)
        if sentence is None:
            raise
        fail(sentence)


def _of_a_value(error: Exception) -> str | None:
    """What a setting or an option that cannot be read comes to. Imported only now, as all that few commands need."""
    from pydantic import ValidationError

    from services.values import Rejected

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        name = "WAYPOST_" + "_".join(str(part) for part in first["loc"]).upper()
        return f"the setting {name} is wrong: {first['msg']}"
    return str(error) if isinstance(error, Rejected) else None


def _of_a_server(error: Exception) -> str | None:
    """What a database or Temporal that does not answer comes to."""
    from sqlalchemy.exc import SQLAlchemyError

    from store.dialects.interface import WrongEncoding
    from workflows.gateway import TemporalUnavailable

    if isinstance(error, TemporalUnavailable | WrongEncoding):
        return str(error)
    if isinstance(error, SQLAlchemyError):
        return f"the database does not answer ({type(error).__name__}); `waypost doctor` tells more"
    return None


def told_time(at: str | None, *, seconds: bool = False) -> str:
    """An instant of UTC (ISO 8601) as tables show it: `2026-11-27 04:12`; nothing where there is none."""
    return (at or "")[: 19 if seconds else 16].replace("T", " ")


def fail(text: str) -> None:
    """Say what is wrong, and end with status 1."""
    complaints.print("[red]waypost:[/] ", end="")
    complaints.print(text, markup=False, highlight=False)
    raise typer.Exit(1)


def show_problems(problems: tuple[DefinitionProblem, ...]) -> None:
    """Each with its severity, code and place."""
    for problem in problems:
        colour = "red" if problem.severity == "error" else "yellow"
        complaints.print(f"[{colour}]{problem.severity}[/] {problem.code}: ", end="")
        complaints.print(str(problem), markup=False, highlight=False)


@contextmanager
def parts() -> Generator["Parts", None, None]:
    """The database and what stands on it, for one command."""
    from waypost.settings import Settings
    from waypost.wiring import Parts

    made = Parts(Settings())
    try:
        yield made
    finally:
        made.close()


def read(file: Path) -> str:
    """A file as text."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise services.InvalidInput(f"{file} is not UTF-8") from None


@contextmanager
def api_client() -> Generator["Waypost", None, None]:
    """The API, with each failure told as a sentence."""
    from waypost.client.installation import client

    with failures_as_sentences(), client() as connected:
        yield connected


def print_answer(as_json: bool, answer: Any, *lines: str) -> None:
    """The answer for machines, or lines for people."""
    if as_json:
        return typer.echo(json.dumps(answer))
    for line in lines:
        console.print(line)


def wrapping_table(*titles: str, figures: Collection[str] = ()) -> "Table":
    """A table of which no cell is cut; columns of `figures` stand to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", justify="right" if title in figures else "left")
    return table


def progress_bar(*, shown: bool = True, transient: bool = True) -> "Progress":
    """A bar beside the output, with how many of how many, and the time that is left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=complaints, transient=transient, disable=not shown)


@contextmanager
def counting() -> Generator[Any, None, None]:
    """A bar, where what is asked for takes an operation: it is told how far that is."""
    with progress_bar() as bar:
        tasks = list[Any]()

        def told(shown: Any) -> None:
            if not tasks:
                tasks.append(bar.add_task("Counting", total=shown["total"]))
            bar.update(tasks[0], completed=shown["done"], total=shown["total"])

        yield told
