"""What the columns of a table are: the names that its header gives them, and those by which they are known here.

A column that is named twice is told, and no cell is dropped because its column has no name.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from services.imports.files.cells import CellForms
from services.imports.files.file_form import UnreadableFile
from services.values import Rejected

Holds = Literal["text as it is", "text", "numbers", "measures", "anything"]
"""What a column holds: texts (dates of the form that was said among them), numbers, or what each cell says."""

ReadCell = Callable[[str, str], str | int | float]
"""What a cell says, which is not empty, of the column of this name. Raises Rejected."""

_OTHERWISE: Mapping[str, str] = {"emailaddress": "email", "emailadresse": "email"}
"""How else a column may be called, folded; nothing where another meaning is thinkable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRules:
    """What a kind of file has for columns.

    `required` are there in every file. `texts` are known however they are spelt, and hold texts alone; `numbers` hold
    numbers alone, and `measures` numbers where they can be read as such.
    """

    required: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `written` is its name in the header, `name` what its cells become; both are empty where it has none."""

    written: str
    name: str
    read: ReadCell


def read_header(written: Sequence[str], rules: ColumnRules, forms: CellForms) -> list[Column]:
    """The columns by their names in the header. Raise UnreadableFile where one is named twice, or is missing."""
    known = {_folded(name): name for name in rules.texts}
    known |= {other: name for other, name in _OTHERWISE.items() if name in rules.texts}
    columns = [_column(one.strip(), known, rules, forms) for one in written]
    _refuse_twins(columns)
    for wanted in (rules.required, forms.texts, forms.numbers):
        _require(columns, wanted)
    return columns


def row_of(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, str | int | float]:
    """A record by the names of its columns, without empty cells. Raise Rejected where a cell cannot be kept."""
    row: dict[str, str | int | float] = {}
    for number, (column, cell) in enumerate(zip(columns, cells, strict=True), start=1):
        if cell and not column.name:
            raise Rejected("", f"column {number} holds something, and has no name in the header")
        if cell:
            row[column.name] = column.read(cell, column.name)
    return row


def _folded(name: str) -> str:
    """A name without case, blanks and marks: `E-Mail`, ` email ` and `EMAIL` are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _column(written: str, known: Mapping[str, str], rules: ColumnRules, forms: CellForms) -> Column:
    name = known.get(_folded(written), written)
    return Column(written=written, name=name, read=partial(_READERS[_holds({name, written}, rules, forms)], forms))


def _holds(called: set[str], rules: ColumnRules, forms: CellForms) -> Holds:
    """What a column holds that is called so: as the caller says, else by the rules, else what each cell says."""
    said: tuple[tuple[Sequence[str], Holds], ...] = (
        (forms.texts, "text as it is"),
        (forms.numbers, "numbers"),
        (rules.texts, "text"),
        (rules.numbers, "numbers"),
        (rules.measures, "measures"),
    )
    for names, holds in said:
        if called & {*names}:
            return holds
    return "anything"


def _as_it_is(forms: CellForms, cell: str, name: str) -> str:
    return cell


def _measure(forms: CellForms, cell: str, name: str) -> str | int | float:
    try:
        return forms.number(cell, name)
    except Rejected:
        return cell


_READERS: Mapping[Holds, Callable[[CellForms, str, str], str | int | float]] = {
    "text as it is": _as_it_is,
    "text": CellForms.date,
    "numbers": CellForms.number,
    "measures": _measure,
    "anything": CellForms.value,
}


def _refuse_twins(columns: Sequence[Column]) -> None:
    for name, count in Counter(one.name for one in columns if one.name).items():
        if count > 1:
            spellings = list(dict.fromkeys(one.written for one in columns if one.name == name))
            how = f", as {' and as '.join(spellings)}" if len(spellings) > 1 else ""
            raise UnreadableFile(f"the header names {name} twice{how}"[:300])


def _require(columns: Iterable[Column], wanted: Sequence[str]) -> None:
    found = [one.written for one in columns if one.written]
    known = {one.name for one in columns} | {*found}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UnreadableFile(f"the header lacks {', '.join(missing)}; it names {', '.join(found) or 'nothing'}"[:300])
