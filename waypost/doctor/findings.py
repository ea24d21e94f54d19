"""A finding of the doctor, and how a check comes to one: it returns what is well, or raises what is ill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Examined = TypeVar("Examined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, whether it is well (None: nobody can tell), and what was found or is to be done."""

    check: str
    well: bool | None
    text: str


class CheckFailed(Exception):
    """Something is missing or wrong; a sentence that says what to do."""


class CheckUndecided(Exception):
    """Nobody can tell from here; a sentence that says why, and what else to try."""


def finding_of(name: str, check: Callable[[Examined], str], subject: Examined) -> Finding:
    """What a check finds."""
    try:
        return Finding(check=name, well=True, text=check(subject))
    except CheckFailed as ill:
        return Finding(check=name, well=False, text=str(ill))
    except CheckUndecided as unknown:
        return Finding(check=name, well=None, text=str(unknown))
