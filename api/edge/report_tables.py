"""Reports as tables: every report is CSV and NDJSON too, by `format` or by what the caller accepts.

A report is an object with lists. Each list of objects in it is a table, named by the way to it (`mails`,
`series.periods`), and so is an object of numbers (`stages`), as pairs of `name` and `value`. A list within such a list
is one too (`experiments.variants`), each line beside what the outer one says. Whoever names none gets
the first list; a report without one is a table of one line. What a line holds within is a column of its own by its way
(`opened.rate`, `revenue.EUR.last`); what has no name of its own is JSON.
"""

import csv
import io
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import orjson
from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute

from api.edge.idempotency import IdempotentRoute
from api.edge.report_columns import columns_of
from journeys.language.problems import nearest
from services.errors import InvalidInput

TableFormat = Literal["json", "csv", "ndjson"]

MEDIA_TYPES: Mapping[TableFormat, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
"""What each form is called where a caller says what it accepts."""

NUMBERED = ("name", "value")
"""The columns of an object of numbers."""

COMMANDS = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would take for a formula: it gets an apostrophe before it."""


def form(
    format: Annotated[
        TableFormat | None, Query(description="csv or ndjson: one of its lists as a table; or ask by `Accept`")
    ] = None,
    table: Annotated[
        str | None, Query(max_length=100, description="which list of the report, such as `series.periods`")
    ] = None,
) -> None:
    """What every report can be asked beside its own parameters; `ReportRoute` reads it."""


class ReportRoute(APIRoute):
    """A route whose JSON is a report."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The same route, with its answer as a table where that is asked for."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            got, wanted = await answer(request), _wanted(request)
            if wanted == "json" or got.media_type != "application/json" or got.status_code != 200:
                return got
            report, name = orjson.loads(got.body), request.query_params.get("table")
            lines = table_of(report, name)
            empty = () if lines else columns_of(self.response_model, name or first_list(report) or "")
            text = as_csv(lines, empty) if wanted == "csv" else as_ndjson(lines)
            name = self.path_format.rstrip("/").rpartition("/")[2]
            given = {"Content-Disposition": f'attachment; filename="{name}.{wanted}"'}
            return Response(text, media_type=MEDIA_TYPES[wanted], headers=given)

        return handle


class IdempotentReportRoute(ReportRoute, IdempotentRoute):
    """The same beside POSTs that take an Idempotency-Key; a route that is a report takes `TABLE`."""


TABLE: dict[str, Any] = {"dependencies": [Depends(form)]}
"""What a report among other routes is asked beside its own parameters."""

TABLE_ANSWERS: dict[int | str, dict[str, Any]] = {200: {"content": {media: {} for media in MEDIA_TYPES.values()}}}
"""What it answers with, beside JSON."""

FORMS: dict[str, Any] = {"route_class": IdempotentReportRoute, "responses": TABLE_ANSWERS, **TABLE}
"""What makes the routes of a router reports."""


def _wanted(request: Request) -> TableFormat:
    """As the query says, else as the first of the known forms that the caller accepts."""
    said = request.query_params.get("format")
    if said is not None:
        return cast(TableFormat, said)
    accepted = [one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")]
    forms: Mapping[str, TableFormat] = {media: name for name, media in MEDIA_TYPES.items()}
    known = [one for one in accepted if one in forms or one in ("application/json", "*/*")]
    return forms.get(known[0], "json") if known else "json"


# -- tables ------------------------------------------------------------------------------------------------------------

Lines = Sequence[Mapping[str, Any]]
"""The objects of a table."""


def first_list(report: Mapping[str, Any]) -> str | None:
    """The name of the table that is meant where none is named; None where the report is one line."""
    return next((name for name, (_, is_list) in _tables(report, "") if is_list), None)


def table_of(report: Mapping[str, Any], name: str | None) -> Lines:
    """One of a report's tables, the first list where none is named; raise InvalidInput where there is none such."""
    found = dict(_tables(report, ""))
    if name is None:
        first = first_list(report)
        return found[first][0] if first is not None else [report]
    if name not in found:
        if (outer := found.get(name.rpartition(".")[0])) and not outer[0]:
            return []  # a list within the lines of one that has none
        for way, (outer, _) in [*found.items()]:
            found |= {f"{way}.{inner}": (lines, True) for inner, lines in _within(outer)}
    if name not in found:
        raise InvalidInput(f"this report has no such table; {nearest(name, list(found))}", "table")
    return found[name][0]


def _tables(value: Mapping[str, Any], way: str) -> Iterator[tuple[str, tuple[Lines, bool]]]:
    """Each table by its name, and whether it is a list."""
    for name, part in value.items():
        here = f"{way}{name}"
        if isinstance(part, list):
            rows = cast(list[Any], part)
            if all(isinstance(row, Mapping) for row in rows):
                yield here, (rows, True)
        elif isinstance(part, Mapping):
            inner = cast(Mapping[str, Any], part)
            if inner and all(isinstance(one, int | float) for one in inner.values()):
                yield here, ([dict(zip(NUMBERED, pair, strict=True)) for pair in inner.items()], False)
            else:
                yield from _tables(inner, f"{here}.")


def _within(outer: Lines) -> Iterator[tuple[str, Lines]]:
    """The lists in the lines of a table: each of their objects beside what its line says of itself."""
    names = {name: None for line in outer for name, value in line.items() if _is_list_of_objects(value)}
    for name in names:
        yield name, [{**_plain(line), **one} for line in outer for one in line.get(name) or ()]


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in cast(list[Any], value))


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if not isinstance(value, list | Mapping)}


def as_ndjson(lines: Lines) -> bytes:
    """A line of JSON for each."""
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def as_csv(lines: Lines, empty: Sequence[str] = ()) -> str:
    """A header and a line for each (RFC 4180); what a line has not is empty. `empty` is the header of no lines."""
    flat = [dict(_columns(line, "")) for line in lines]
    names = list(dict.fromkeys(name for line in flat for name in line)) or empty
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(names)
    rows.writerows([cell(line.get(name)) for name in names] for line in flat)
    return file.getvalue()


def _columns(line: Mapping[str, Any], way: str) -> Iterator[tuple[str, Any]]:
    for name, value in line.items():
        here = f"{way}{name}"
        if isinstance(value, Mapping):
            yield from _columns(cast(Mapping[str, Any], value), f"{here}.")
        elif isinstance(value, list):
            yield from _of_list(cast(list[Any], value), here)
        else:
            yield here, value


def _of_list(values: list[Any], way: str) -> Iterator[tuple[str, Any]]:
    """Amounts stand below their currency; any other list is JSON."""
    if values and all(isinstance(one, Mapping) and "currency" in one for one in values):
        for one in values:
            rest = {name: value for name, value in one.items() if name != "currency"}
            yield from _columns(rest, f"{way}.{one['currency']}.")
    elif values:
        yield way, orjson.dumps(values).decode()


def cell(value: Any) -> Any:
    """A value as a spreadsheet shows it: no text is a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(COMMANDS):
        return f"'{value}"
    return value
