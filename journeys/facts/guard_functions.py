"""The functions that guards have beside CEL's own: `number(x)`, `date(x)`, `days(n)`.

They read values as everything does (`readers`). What they cannot read is null and is told, so that a guard on it is
false and says why; what is missing is null without a word.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from journeys.facts import calendar, guard_reads
from journeys.facts.customer_facts import is_blank
from journeys.facts.guard_reads import Read
from journeys.facts.guard_syntax import Constant, FunctionCall, Select, Tree, walk
from journeys.facts.guard_types import Mismatch
from readers import dates, numbers

OWN: Mapping[str, str] = {
    "number": 'a number, or a text that writes one: `number(customer.age)`; with a decimal comma `number(x, ",")`',
    "date": 'an instant, from whatever holds a date: `date(customer.ends)`; in a stated form `date(x, "DD.MM.YYYY")`',
    "days": "a duration of so many days, to add to an instant or compare with: `now - days(30)`",
}
"""Every one of them, and what it gives."""

MOST_DAYS = calendar.LONGEST.days
"""Of `days`, forwards and backwards: as long as a duration may be."""

_DURATION = re.compile(r"[+-]?(?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns))+")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def functions(zone: ZoneInfo, unread: list[tuple[str, Any]]) -> dict[str, Callable[..., Any]]:
    """The functions, for the evaluator; a day means its first moment in `zone`.

    What cannot be read is put into `unread`, with the function's name. They raise nothing.
    """

    def reading(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def told(value: Any, *more: Any) -> Any:
            found = None if is_blank(value) else read(value, *more)
            if found is None and not is_blank(value):
                unread.append((name, value))
            return found

        return told

    def day(value: Any, form: str | None = None) -> datetime | None:
        return calendar.read_date(value, zone, form)

    return {"number": reading("number", numbers.read), "date": reading("date", day), "days": reading("days", _days)}


def _days(value: Any) -> timedelta | None:
    count = numbers.read(value)
    return timedelta(days=count) if count is not None and abs(count) <= MOST_DAYS else None


def calls(tree: Tree) -> Iterator[FunctionCall]:
    """Every call of one of the functions."""
    for call in walk(tree):
        if isinstance(call, FunctionCall) and call.name in OWN:
            yield call


def readings(tree: Tree) -> Iterator[Read]:
    """The values that the functions are asked to read, where these are named and not worked out."""
    for call in calls(tree):
        yield from guard_reads.reads(call.parts[0]) if call.parts and isinstance(call.parts[0], Select) else ()


def check(tree: Tree) -> None:
    """Raise ValueError with a sentence where one of the functions is called as it cannot be."""
    for call in calls(tree):
        if len(call.parts) not in ((1,) if call.name == "days" else (1, 2)):
            raise ValueError(f"{call.name}() takes a value{'' if call.name == 'days' else ' and how it is written'}")
        if len(call.parts) == 2:
            _check_form(call.name, call.parts[1])


def _check_form(name: str, form: Tree) -> None:
    if not isinstance(form, Constant) or form.text is None:
        raise ValueError(f"how {name}() is to read a text must be written out as a text")
    if name == "date":
        dates.check_form(form.text)
    else:
        numbers.check_mark(form.text)


def never_read(tree: Tree) -> Iterator[Mismatch]:
    """Calls whose text, written out in the guard, can never be read."""
    for call in walk(tree):
        if not isinstance(call, FunctionCall) or not call.parts:
            continue
        first = call.parts[0]
        sentence = _unreadable(call, first.text) if isinstance(first, Constant) and first.text is not None else None
        if sentence is not None:
            yield Mismatch(node=call, sentence=sentence)


def _unreadable(call: FunctionCall, text: str) -> str | None:
    match call.name:
        case "duration" if not _DURATION.fullmatch(text):
            return f'duration({text!r}) is none: it is written in hours, minutes and seconds ("720h"); write days(30)'
        case "timestamp" if not _TIMESTAMP.fullmatch(text):
            return f"timestamp({text!r}) is none: it needs a time and a zone; write date({text!r})"
        case "date" | "number" | "days":
            unread: list[tuple[str, Any]] = []
            form = [part.text for part in call.parts[1:] if isinstance(part, Constant)]
            functions(calendar.zone_of(), unread)[call.name](text, *form)
            return f"{call.name}({text!r}) can never be read" if unread else None
        case _:
            return None
