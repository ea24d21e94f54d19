"""What every command shares: how it speaks, and how each failure becomes a sentence."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from journeys.language.problems import InvalidJourney, Problem
from services import errors as services
from services.values import Rejected
from waypost.errors import ApiProblem, CannotStart, Unreachable
from waypost.settings import Settings
from waypost.wiring import Parts
from workflows.gateway import TemporalUnavailable

console = Console()
complaints = Console(stderr=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")]
File = Annotated[Path, typer.Argument(help="A file.", exists=True, dir_okay=False, readable=True)]


@contextmanager
def told() -> Generator[None, None, None]:
    """Every failure as a sentence, never as a traceback."""
    try:
        yield
    except (CannotStart, Unreachable, TemporalUnavailable, services.ServiceError, Rejected) as error:
        fail(str(error))
    except ApiProblem as refused:
        for problem in (refused.body.get("problems") or [])[:50]:
            complaints.print(f"  {problem.get('path')}: {problem.get('message')}", markup=False)
        fail(str(refused))
    except InvalidJourney as invalid:
        show_problems(invalid.problems)
        fail(f"{len(invalid.problems)} problem(s); nothing was stored")
    except ValidationError as error:
        first = error.errors()[0]
        name = "WAYPOST_" + "_".join(str(part) for part in first["loc"]).upper()
        fail(f"the setting {name} is wrong: {first['msg']}")
    except SQLAlchemyError as error:
        fail(f"the database does not answer ({type(error).__name__}); `waypost doctor` tells more")
    except OSError as error:
        fail(f"{error.filename or 'a file'}: {error.strerror or error}")


def fail(text: str) -> None:
    """Say what is wrong, and end with status 1."""
    complaints.print("[red]waypost:[/] ", end="")
    complaints.print(text, markup=False, highlight=False)
    raise typer.Exit(1)


def show_problems(problems: tuple[Problem, ...]) -> None:
    """Each with its severity, code and place."""
    for problem in problems:
        colour = "red" if problem.severity == "error" else "yellow"
        complaints.print(f"[{colour}]{problem.severity}[/] {problem.code}: ", end="")
        complaints.print(str(problem), markup=False, highlight=False)


@contextmanager
def parts() -> Generator[Parts, None, None]:
    """The database and what stands on it, for one command."""
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
