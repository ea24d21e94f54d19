"""The rooms, read off the code: which imports which, what each is for, and what every file in it says of itself.

Nothing is drawn by hand, so a picture or a table cannot be wrong for long: `make check` compares.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    "waypost",
    "api",
    "workflows",
    "activities",
    "services",
    "mail",
    "store",
    "pictures",
    "journeys",
    "value",
    "readers",
)
UNREAD = ("store/migrations", "waypost/client/models.py")
"""What is generated, or stands as it was written once."""

Arrows = frozenset[tuple[str, str]]


def walls() -> str:
    """Which room imports which, as a Mermaid graph; the composition root imports every one, so it has no arrows."""
    arrows = {(one, other) for one, other in arrows_between(ROOMS) if one != "waypost"}
    return _graph(["waypost[waypost: wires everything]"], arrows)


HEAD = """# Rooms

Every room with its sub-rooms, the arrows between them, and every file with what it says of itself. This page is read
off the code: change that, then `make docs`. An arrow that a longer way implies is left out. What a room may not know,
and where something new goes, is in [the architecture](architecture.md).
"""


def page() -> str:
    """`docs/rooms.md`."""
    return "\n".join([HEAD, *(_room(room) for room in ROOMS)])


def _room(room: str) -> str:
    parts = [f"## `{room}`\n\n{_first_sentence(ROOT / room / '__init__.py')}\n"]
    inside = sub_rooms(room)
    if len(inside) > 1:
        names = {one: one.removeprefix(f"{room}.") for one in inside}
        arrows = {(names[one], names[other]) for one, other in _reduced(arrows_between(inside))}
        parts.append(_graph(sorted(names.values()), arrows))
    loose = [file for file in sorted((ROOT / room).glob("*.py")) if file.name != "__init__.py"]
    if loose:
        parts.append(_files(f"{room}/", loose))
    parts += [_sub_room(folder) for folder in _folders(ROOT / room)]
    return "\n".join(parts)


def _sub_room(folder: Path, heading: str = "###") -> str:
    name = folder.relative_to(ROOT)
    parts = [f"{heading} `{name}/`\n\n{_first_sentence(folder / '__init__.py')}\n"]
    loose = [file for file in sorted(folder.glob("*.py")) if file.name != "__init__.py"]
    if loose:
        parts.append(_files(f"{name}/", loose))
    parts += [_sub_room(inner, f"{heading}#") for inner in _folders(folder)]
    return "\n".join(parts)


# -- imports -----------------------------------------------------------------------------------------------------------


def sub_rooms(room: str) -> list[str]:
    """The folders of a room, and the modules that stand beside them, as dotted names."""
    folders = [".".join(folder.relative_to(ROOT).parts) for folder in _folders(ROOT / room)]
    loose = [f"{room}.{file.stem}" for file in (ROOT / room).glob("*.py") if not file.stem.startswith("__")]
    return sorted([*folders, *loose])


def arrows_between(names: Iterable[str]) -> Arrows:
    """Which of these packages and modules imports which other."""
    known = sorted(names, key=len, reverse=True)
    found: set[tuple[str, str]] = set()
    for file in _read(ROOMS):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        here = _owner(module, known)
        found |= {(here, there) for there in (_owner(name, known) for name in _imports(file)) if here and there}
    return frozenset((one, other) for one, other in found if one != other)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _owner(module: str, known: Iterable[str]) -> str:
    return next((one for one in known if module == one or module.startswith(f"{one}.")), "")


def _reduced(arrows: Arrows) -> Arrows:
    """Without the arrows that a longer way implies, as long as there is no circle."""

    def leads(start: str, end: str, seen: frozenset[str]) -> bool:
        nexts = {other for one, other in arrows if one == start} - seen
        return end in nexts or any(leads(one, end, seen | {one}) for one in nexts)

    return frozenset(
        (start, end)
        for start, end in arrows
        if not any(leads(one, end, frozenset({start, one})) for other, one in arrows if other == start and one != end)
    )


# -- files -------------------------------------------------------------------------------------------------------------


def _read(rooms: Iterable[str]) -> Iterator[Path]:
    for room in rooms:
        for file in sorted((ROOT / room).rglob("*.py")):
            if not str(file.relative_to(ROOT)).startswith(UNREAD):
                yield file


def _folders(room: Path) -> list[Path]:
    return [one.parent for one in sorted(room.glob("*/__init__.py"))]


def _files(place: str, files: Iterable[Path]) -> str:
    names = [str(file.relative_to(ROOT)) for file in files]
    rows = [f"| [{name.removeprefix(place)}](../{name}) | {_first_sentence(ROOT / name)} |" for name in names]
    return "| file | what is in it |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def _first_sentence(file: Path) -> str:
    """The first paragraph of a module's docstring."""
    told = ast.get_docstring(ast.parse(file.read_text())) or ""
    return " ".join(told.split("\n\n")[0].split()).replace("|", "\\|")


def _graph(nodes: Iterable[str], arrows: Iterable[tuple[str, str]]) -> str:
    lines = [*nodes, *(f"{source} --> {target}" for source, target in sorted(arrows))]
    return "```mermaid\ngraph TD\n" + "\n".join(f"    {line}" for line in lines) + "\n```\n"
