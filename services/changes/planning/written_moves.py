"""The author's moves as text: YAML (or JSON) with the line of each, so that what does not fit is told with its line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from journeys.changes.mapping import Moves
from journeys.checks import source
from journeys.checks.text_bounds import Positions
from services.errors import InvalidInput

KINDS = ("stages", "steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMoves:
    """Moves, and the line on which each stands, by its place in them (`moves.stages.trial`)."""

    moves: Moves = field(default_factory=Moves)
    lines: Mapping[str, int] = field(default_factory=dict[str, int])


def read(text: str) -> WrittenMoves:
    """Read `stages:` and `steps:`, also below `moves:`.

    Raise InvalidJourney, with its line, where the text cannot be read or a key stands twice; InvalidInput for anything
    else than old names with new ones.
    """
    document = source.parse_yaml(text)
    data, above = document.data if document.data is not None else {}, ()
    if isinstance(data, dict) and list(data) == ["moves"]:
        data, above = data["moves"], ("moves",)
    for name in data if isinstance(data, dict) else ("",):
        if name not in KINDS:
            raise InvalidInput(_at("moves are `stages:` and `steps:`", document.positions, (*above, name)), "moves")
    return WrittenMoves(
        moves=Moves(**{kind: _pairs(kind, data.get(kind), document.positions, above) for kind in KINDS}),
        lines={
            f"moves.{kind}.{old}": line
            for (*path, kind, old), (line, _) in _two_deep(document.positions).items()
            if tuple(path) == above
        },
    )


def _pairs(kind: str, given: Any, positions: Positions, above: tuple[str, ...]) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput(_at("each is written as OLD: NEW", positions, (*above, kind)), f"moves.{kind}")
    for old, new in given.items():
        if not isinstance(new, str):
            told = _at("the new name is a text", positions, (*above, kind, old))
            raise InvalidInput(told, f"moves.{kind}.{old}")
    return given


def _two_deep(positions: Positions) -> Mapping[tuple[str, ...], tuple[int, int]]:
    return {tuple(map(str, path)): place for path, place in positions.items() if len(path) >= 2}


def _at(told: str, positions: Positions, path: tuple[str, ...]) -> str:
    line = positions.get(path, (0, 0))[0]
    return f"line {line}: {told}" if line else told
