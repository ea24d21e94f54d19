"""What a text may hold at most: in length, depth, values and the size of a number; and that it is text at all."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

from journeys.language.problems import DefinitionProblem, InvalidJourney, Path

Positions = Mapping[Path, tuple[int, int]]
"""Line and column, from 1, by path."""

LARGEST = 250_000
"""Characters: ten times the longest journey that we know of."""

DEEPEST = 40
"""Levels of nesting: a branch within a branch takes four."""

MOST_VALUES = 25_000
"""Values of a text, keys among them; they, and not its length, are what reading takes time for."""

LONGEST_NUMBER = 25
"""Characters of a whole number: the largest of 64 bits has twenty in decimal, twenty-four in octal."""


def too_deep(path: Path = ()) -> DefinitionProblem:
    """That something nests deeper than DEEPEST."""
    return DefinitionProblem(code="too_deep", message=f"the document nests deeper than {DEEPEST} levels", path=path)


def too_many() -> InvalidJourney:
    """That there are more than MOST_VALUES."""
    return InvalidJourney(
        [DefinitionProblem(code="too_large", message=f"the document has more than {MOST_VALUES:,} values")]
    )


class Bounds:
    """No document may be larger or deeper than this, however it says so (aliases of YAML can multiply it)."""

    def __init__(self) -> None:
        self.nodes = 0

    def text(self, text: str, path: Path) -> str:
        """What no database keeps is refused here."""
        if "\0" in text:
            raise InvalidJourney(
                [DefinitionProblem(code="text", message="the text contains the character NUL", path=path)]
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            message = "the text contains half of a surrogate pair, which is no character"
            raise InvalidJourney([DefinitionProblem(code="text", message=message, path=path)]) from None
        return text

    def count(self, path: Path) -> None:
        """One value more; raise InvalidJourney where it is one too many, or too deep."""
        self.nodes += 1
        if self.nodes > MOST_VALUES:
            raise too_many()
        if len(path) > DEEPEST:
            raise InvalidJourney([too_deep(path[:5])])

    def check(self, data: Any, path: Path) -> None:
        """Go through data that was read already; raise InvalidJourney where a bound is passed."""
        self.count(path)
        if isinstance(data, dict):
            for key, value in cast(dict[str, Any], data).items():
                self.text(key, path)
                self.check(value, (*path, key))
        elif isinstance(data, list):
            for index, value in enumerate(cast(list[Any], data)):
                self.check(value, (*path, index))
        elif isinstance(data, str):
            self.text(data, path)
        elif isinstance(data, float) and not isfinite(data):
            raise bad_number("the number is not finite", path)


def whole(digits: str, base: int) -> int:
    """A whole number of at most 64 bits, which is what every reader of JSON keeps."""
    number = int(digits, base) if len(digits) <= LONGEST_NUMBER else 2**64
    if not -(2**63) <= number < 2**63:
        raise bad_number("the number has more than 64 bits", ())
    return number


def bad_number(message: str, path: Path) -> InvalidJourney:
    """That a number cannot be kept."""
    return InvalidJourney([DefinitionProblem(code="number", message=message, path=path)])
