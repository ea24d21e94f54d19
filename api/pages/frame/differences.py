"""What differs between a thing as it was and as it is, part by part, in words: of texts the lines that differ alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

NOTHING = "–"
"""A part that is not there, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDifference:
    """A part of a thing, by the names that lead to it: as it was, and as it is."""

    name: str
    before: str
    after: str


def between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[PartDifference]:
    """The parts that differ, in the order of their names."""
    was, became = dict(_parts(before or {})), dict(_parts(after or {}))
    names = sorted(name for name in {*was, *became} if was.get(name) != became.get(name))
    return [_differing(name, was.get(name), became.get(name)) for name in names]


def _parts(value: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in a thing, and in the things within it."""
    for name, part in value.items():
        if isinstance(part, Mapping) and part:
            yield from _parts(cast(Mapping[str, Any], part), f"{within}{name}.")
        else:
            yield f"{within}{name}", part


def _differing(name: str, was: Any, became: Any) -> PartDifference:
    if isinstance(was, str) and isinstance(became, str) and "\n" in was + became:
        lines, others = was.splitlines(), became.splitlines()
        return PartDifference(name=name, before=_without(lines, others), after=_without(others, lines))
    return PartDifference(name=name, before=_told(was), after=_told(became))


def _without(lines: Sequence[str], others: Sequence[str]) -> str:
    """The lines that the others have not, as often as they have them less; each line is looked at once."""
    left, found = Counter(others), list[str]()
    for line in lines:
        left[line] -= 1
        if left[line] < 0:
            found.append(line)
    return "\n".join(found) or NOTHING


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "" or value == {}:
        return NOTHING
    return value if isinstance(value, str) else orjson.dumps(value).decode()
