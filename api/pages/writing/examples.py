"""The examples that are shipped, which a new journey begins from: each with its words, its text and its map."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from journeys.checks import source
from journeys.language.definition import Definition
from journeys.language.step_tree import all_steps

FOLDER = Path(__file__).parent.parent.parent.parent / "examples"
"""Where the projects lie: as in the repository, so in what is installed."""

EMPTY = """\
journey: {key}
name: A new journey
enter:
  - on: Signed Up
start: begun
stages:
  begun:
    steps:
      - send: welcome
    final: true
"""
"""What one begins from who wants no example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedExample:
    """An example by its key: what it is for, in its author's words, and what it is made of."""

    key: str
    told: str
    text: str
    definition: Definition

    @property
    def name(self) -> str:
        """As a person calls it."""
        return self.definition.name or self.key

    @property
    def stages(self) -> int:
        """How many it has."""
        return len(self.definition.stages)

    @property
    def steps(self) -> int:
        """How many it has, in all stages."""
        return sum(1 for _ in all_steps(self.definition))

    def as_journey(self, key: str) -> str:
        """Its text under another key."""
        return re.sub(r"^journey: .*$", f"journey: {key}", self.text, count=1, flags=re.MULTILINE)


@cache
def shipped() -> Mapping[str, ShippedExample]:
    """All of them, by key."""
    return {one.parent.parent.name: _read(one) for one in sorted(FOLDER.glob("*/journeys/*.yaml"))}


def _read(path: Path) -> ShippedExample:
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("# yaml-language-server")]
    told = [line.removeprefix("#").strip() for line in lines[: _comment(lines)]]
    definition, _ = source.read(text)
    return ShippedExample(key=path.stem, told=" ".join(told), text=text, definition=definition)


def _comment(lines: list[str]) -> int:
    """How many lines at the beginning are a comment."""
    return next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
