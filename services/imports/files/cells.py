"""What a cell of a table says: its text, unless it is a number that reads the same when it is written back.

So a postal code, a telephone number, a card's number keep their zeros, signs and digits. Decimal commas, and dates
that are none of ISO 8601, are read where the caller says that the file has them, and only there. Where it has decimal
commas a point is none of a decimal: `1.234` is then a thousand, or a version, and stays a text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from readers import dates, numbers
from services.errors import InvalidInput
from services.values import Rejected

DECIMALS: Mapping[str, str] = {"point": numbers.POINT, "comma": numbers.COMMA}
"""What stands before the decimals of a number."""

EXACT = 2**53
"""Whole numbers below it are kept exactly by every reader of JSON (RFC 8259, 6); longer ones are ids, and texts."""

_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_WITH_COMMA = re.compile(r"-?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:\.[0-9]{3})+),[0-9]+")
_LIKE_A_DATE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}(?:[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?")
_TIMES = ("", " HH:mm", " HH:mm:ss")
"""What may follow a day, where the form says only how days are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellForms:
    """How the cells of a file are written, as the caller says.

    `dates` is a form as `readers.dates` has it ("DD.MM.YYYY"), beside ISO 8601, which is understood in any case.
    `texts` names columns that hold texts and no numbers, `numbers` those that hold numbers and nothing else.
    """

    decimal: str = "point"
    dates: str | None = None
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise InvalidInput where a form is none, or a column cannot hold what was said."""
        if self.decimal not in DECIMALS:
            raise InvalidInput(f"must be one of {', '.join(DECIMALS)}", "decimal")
        try:
            dates.check_form(self.dates or "YYYY-MM-DD")
        except ValueError as error:
            raise InvalidInput(str(error), "dates") from None
        for name in self.numbers:
            if name in self.texts:
                raise InvalidInput(f"{name} cannot hold texts alone and numbers alone", "number")

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it for the worker."""
        return {
            "decimal": self.decimal,
            "dates": self.dates,
            "texts": list(self.texts),
            "numbers": list(self.numbers),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept; what is not there is as ever."""
        return cls(
            decimal=kept.get("decimal") or "point",
            dates=kept.get("dates"),
            texts=tuple(kept.get("texts") or ()),
            numbers=tuple(kept.get("numbers") or ()),
        )

    def value(self, text: str, column: str) -> str | int | float:
        """What a cell says. Raise Rejected where it looks like a date of the form that was said, and is none."""
        if self.decimal == "comma" and _WITH_COMMA.fullmatch(text):
            number = numbers.read(text, numbers.COMMA)
        else:
            number = _canonical(text) if self.decimal == "point" or "." not in text else None
        return number if number is not None else self.date(text, column)

    def date(self, text: str, column: str) -> str:
        """A cell with a date of the form that was said, by ISO 8601; any other text is as it was. Raise Rejected."""
        if self.dates is None or not _LIKE_A_DATE.fullmatch(text.strip()):
            return text
        found = (dates.read(text, self.dates + clock) for clock in _TIMES if "HH" not in self.dates or not clock)
        moment = next((one for one in (*found, dates.read(text)) if one is not None), None)
        if moment is None:
            raise Rejected(column, f"is no date as {self.dates}, found {text!r:.40}")
        return moment.isoformat()

    def number(self, text: str, column: str) -> int | float:
        """A cell that has to be a number: zeros at its end are none of its text. Raise Rejected."""
        found = numbers.read(text, DECIMALS[self.decimal])
        if found is None:
            told = f"is no number with a decimal {self.decimal}, found {text!r:.40}"
            raise Rejected(column, f"{told}; what the file has is said by decimal=point or decimal=comma")
        return found


def _canonical(text: str) -> int | float | None:
    if not _CANONICAL.fullmatch(text) or text == "-0":
        return None
    if "." not in text:
        return int(text) if len(text) <= len(str(EXACT)) + 1 and abs(int(text)) < EXACT else None
    return float(text) if len(text) < 32 and repr(float(text)) == text else None
