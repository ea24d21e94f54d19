"""A key that stands twice in one JSON object: a parser keeps the last in silence, where the first was meant as well."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from services.errors import InvalidInput


class _Object(dict[str, Any]):
    """An object that remembers which keys stood in it more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]


def refuse(raw: bytes) -> None:
    """Raise InvalidInput with the path of the first key that stands twice; what is no JSON is for others to refuse."""
    try:
        data = json.loads(raw, object_pairs_hook=_Object) if raw.strip() else None
    except ValueError:
        return
    twice = next(_twice(data, ()), None)
    if twice is not None:
        raise InvalidInput(f"{twice[-1]!r} stands twice", ".".join(twice))


def _twice(data: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(data, _Object):
        yield from ((*path, name) for name in data.repeated)
        for name, value in data.items():
            yield from _twice(value, (*path, name))
    elif isinstance(data, list):
        for index, value in enumerate(cast(list[Any], data)):
            yield from _twice(value, (*path, str(index)))
