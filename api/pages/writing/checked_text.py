"""A text judged for the page: its problems with their lines, and its map where it has no error."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.deps.backend import Backend
from api.edge.judging import validation_around
from journeys.language.problems import DefinitionProblem, InvalidJourney
from pictures import map as maps
from services.definitions.journey_versions import drafts
from services.definitions.journey_versions.drafts import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText:
    """What was found; `draft` is None where there is an error, `drawn` the map as an address that holds it."""

    problems: Sequence[DefinitionProblem]
    draft: Draft | None = None
    drawn: str | None = None

    @property
    def errors(self) -> int:
        """How many problems keep it from being a journey."""
        return sum(one.severity == "error" for one in self.problems)

    def as_json(self) -> list[dict[str, Any]]:
        """The problems for the editor, each where it stands: lines and columns count from 1."""
        return [
            {"line": one.line or 1, "column": one.column or 1, "severity": one.severity, "message": sentence(one)}
            for one in self.problems
        ]


def check(parts: Backend, key: str, text: str) -> CheckedText:
    """Judge a text as the draft of a journey; a large one takes two seconds of a core."""
    try:
        draft = drafts.read_draft(key, text, validation_around(parts, key))
    except InvalidJourney as invalid:
        return CheckedText(problems=invalid.problems)
    drawn = maps.draw(draft.definition)
    return CheckedText(problems=draft.warnings, draft=draft, drawn=as_address(drawn))


def as_address(svg: str) -> str:
    """A picture that stands in the page itself: it has its own style, which the page's policy would refuse."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def sentence(problem: DefinitionProblem) -> str:
    """A problem in words: what is wrong, what was found, what would be right."""
    found = f" (found {problem.found})" if problem.found and problem.found not in problem.message else ""
    hint = f"; expected {problem.expected}" if problem.expected else ""
    return f"{problem.message}{found}{hint}"
