"""`docs/statuses.md`: what may follow what, as diagrams drawn from the tables of `store/statuses.py`."""

import ast
from enum import StrEnum
from pathlib import Path

from store import statuses
from store.statuses import TABLES

SOURCE = Path(statuses.__file__)


HEAD = """# Statuses

What every kind of row may be, and what may follow what. This page is drawn from the tables of
[store/statuses.py](../store/statuses.py), which hold where a status is written; change those, then `make docs`. Each
begins as the first of its statuses.
"""


def page() -> str:
    """Each kind of row with the ways between its statuses, and what they mean."""
    meanings = _meanings()
    return "\n".join([HEAD, *(_diagram(kind, meanings) for kind in TABLES)])


def _diagram(kind: type[StrEnum], meanings: dict[tuple[str, str], str]) -> str:
    table, name = TABLES[kind], kind.__name__.removesuffix("Status")
    first = next(iter(kind))
    ways = [f"[*] --> {first}"]
    ways += [f"{status} --> {after}" for status, follows in table.items() for after in follows]
    ways += [f"{status} --> [*]" for status, follows in table.items() if not follows]
    rows = [f"| `{status}` | {meanings.get((kind.__name__, status.name), '')} |" for status in kind]
    return (
        f"## {name}\n\n{(kind.__doc__ or '').strip()}\n\n```mermaid\nstateDiagram-v2\n"
        + "\n".join(f"    {way}" for way in ways)
        + "\n```\n\n| status | meaning |\n| --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def _meanings() -> dict[tuple[str, str], str]:
    """The sentences that stand below the members, by enumeration and member."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(SOURCE.read_text()).body:
        if isinstance(node, ast.ClassDef):
            for member, told in zip(node.body, node.body[1:], strict=False):
                match member, told:
                    case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                        found[node.name, name] = " ".join(text.split())
                    case _:
                        pass
    return found
