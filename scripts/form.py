"""Checks of form that no linter has: how long a file may be, how many stand in a room, and that a name means one thing.

    python scripts/form.py [FOLDER]     prints what is wrong, a line each, and exits 1; nothing where all is well

Left out: migrations, which stand as they were written once, and the client's shapes, which are generated as twins of
the API's.
"""

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

PRODUCT = (
    "activities",
    "api",
    "journeys",
    "mail",
    "pictures",
    "readers",
    "services",
    "store",
    "value",
    "waypost",
    "workflows",
)
LEFT_OUT = ("store/migrations/", "waypost/client/models.py")

LONGEST = 320
"""Lines of a file of the product: what a reader takes in at one go (ten screens)."""

MOST_FILES = 7
"""Files of a room where rooms are by subject: what a reader remembers of it without looking."""

BY_SUBJECT = ("services/", "store/queries/")

LONGEST_TEST = 400
"""Lines of a file of tests, which is read a test at a time: what one subject needs with its fixtures."""


def problems(root: Path) -> list[str]:
    """What is wrong below this folder, a sentence each; none where all is well."""
    files = {str(file.relative_to(root)): file.read_text() for room in PRODUCT for file in (root / room).rglob("*.py")}
    kept = {name: text for name, text in sorted(files.items()) if not name.startswith(LEFT_OUT)}
    tests = ((str(file.relative_to(root)), file.read_text()) for file in sorted((root / "tests").rglob("*.py")))
    return [
        *_too_long(kept.items(), LONGEST, "by what its callers come for"),
        *_too_long(tests, LONGEST_TEST, "by what its tests specify"),
        *_too_full(kept),
        *_said_twice(kept.items()),
    ]


def _too_long(files: Iterable[tuple[str, str]], longest: int, how: str) -> Iterator[str]:
    for name, text in files:
        lines = len(text.splitlines())
        if lines > longest:
            yield f"{name} has {lines} lines, more than {longest}: split it {how}"


def _too_full(files: Iterable[str]) -> Iterator[str]:
    by_room = Counter(str(Path(name).parent) for name in files if not name.endswith("/__init__.py"))
    for room, count in sorted(by_room.items()):
        if count > MOST_FILES and f"{room}/".startswith(BY_SUBJECT):
            yield f"{room}/ has {count} files, more than {MOST_FILES}: split it by subject"


def _said_twice(files: Iterable[tuple[str, str]]) -> Iterator[str]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in files:
        for said, line in _types(ast.parse(text)):
            places[said].append(f"{name}:{line}")
    for said, where in sorted(places.items()):
        if len(where) > 1:
            yield f"{said} means {len(where)} things ({', '.join(where)}): give each a name of its own"


def _types(module: ast.Module) -> Iterator[tuple[str, int]]:
    """The classes, and what a module calls by a capitalised name: aliases and variables of types."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
            yield target.id, node.lineno


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
