"""What is wrong with a definition: found, where, and what would be right.

InvalidJourney          raised with every problem at once, never only the first
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal

Path = tuple[str | int, ...]
"""Keys and numbers of items that lead to a place in a definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionProblem:
    """One finding. `path` leads from the top of the document; `line` and `column` count from 1, for YAML."""

    code: str
    message: str
    path: Path = ()
    severity: Literal["error", "warning"] = "error"
    found: str | None = None
    expected: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def where(self) -> str:
        """The path as a person writes it: `stages.awareness.steps[0].send`."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text or "(document)"

    def __str__(self) -> str:
        """One line as the terminal shows it: place, message, what was found, what would be right."""
        place = f"line {self.line}, {self.where}" if self.line else self.where
        found = f" (found {self.found})" if self.found and self.found not in self.message else ""
        hint = f"; expected {self.expected}" if self.expected else ""
        return f"{place}: {self.message}{found}{hint}"

    def as_json(self) -> dict[str, Any]:
        """The finding as the API and `--json` show it."""
        shown = {name: value for name, value in asdict(self).items() if value is not None}
        return shown | {"path": self.where}


class InvalidJourney(ValueError):
    """A definition that cannot be accepted; `problems` lists every reason."""

    def __init__(self, problems: Sequence[DefinitionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


MOST_SHOWN = 40
"""Names that a hint lists: as many as fit on a few lines."""


def nearest(word: str, known: Sequence[str]) -> str:
    """Advice for a misspelt `word`: the nearest known one, else the first MOST_SHOWN of the list."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"{close[0]!r}, the nearest name"
    shown, more = sorted(known)[:MOST_SHOWN], len(known) - MOST_SHOWN
    return "one of " + ", ".join(shown) + (f" and {more} more" if more > 0 else "") if known else "none is defined"
