"""What a template does with values that are not there: missing, null, empty and blank ones are alike.

    {{ customer.first_name | default("friend") }}      whichever of the four it is
    {{ customer.address.city | default("your town") }} also where there is no address at all
    {% if customer.coupon %}                           false, and no error

Printed without such a guard, what is missing or null makes no mail: nobody reads "Hello None". Zero and `false` are
values like others. This room knows neither where data come from nor how a template is compiled.
"""

from collections.abc import Mapping
from typing import Any, Never

from jinja2 import StrictUndefined, Undefined
from jinja2.filters import make_attrgetter, sync_do_join
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context


class Missing(StrictUndefined):
    """What is not there. It can be asked about and passed on; printed, looped over or counted with, it is an error."""

    __slots__ = ()

    def __getattr__(self, name: str) -> "Missing":
        """What would be in it is missing too; Python's own questions get Python's answer."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, name: Any) -> "Missing":
        """As by a dot."""
        return self

    def __call__(self, *args: Any, **more: Any) -> "Missing":
        """A method of it: `customer.name.upper()`."""
        return self

    def __bool__(self) -> bool:
        """`{% if customer.coupon %}` is a fair question."""
        return False

    def __eq__(self, other: object) -> bool:
        """It equals everything that is empty: `== none`, `== ""`, and its like."""
        return isinstance(other, Undefined) or other is None or other == ""

    def __ne__(self, other: object) -> bool:
        """The contrary."""
        return not self == other

    def __hash__(self) -> int:
        """One for all, since they are equal."""
        return hash(None)

    def __contains__(self, item: object) -> bool:
        """`{% if "vip" in customer.tags %}`: nothing is in it."""
        return False


class Null(Missing):
    """A value that was given, as null: `is defined` is false, and as JSON it is null again."""

    __slots__ = ()


def readable(value: Any, name: str = "this value") -> Any:
    """Data for a template: each null a `Null` that knows its name, each blank text empty; the rest as it is."""
    if isinstance(value, str):
        return "" if value.isspace() else value
    if value is None:
        return Null(hint=f"{name!r} is null")
    if isinstance(value, list | tuple):
        return [readable(one, name) for one in value]
    if isinstance(value, dict | Mapping):  # most are the one, and the other is slow to ask
        return {key: readable(one, key) for key, one in value.items()}
    return value


def first_missing(value: Any, instead: Any) -> Any:
    """What is missing or null in this value, however deep; `instead` where nothing is."""
    match value:
        case None:
            return Null(hint="this value is null")
        case Missing():
            return value
        case dict() | list() | tuple():
            inner = value.values() if isinstance(value, dict) else value
            return next((one for one in (first_missing(part, None) for part in inner) if one is not None), instead)
        case _:
            return instead


def default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """`instead` for what is missing, null, empty or blank; with `boolean`, for zero and false, too."""
    return instead if _is_empty(value) or (boolean and not value) else value


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or isinstance(value, Undefined) or (isinstance(value, list | tuple | dict) and not value)


def is_none(value: Any) -> bool:
    """`is none`: null, or not there at all."""
    return value is None or isinstance(value, Undefined)


@pass_eval_context
def join(eval_ctx: EvalContext, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    """As Jinja2's own, without what is null: nobody reads "red, None"."""
    pieces = value if attribute is None else map(make_attrgetter(eval_ctx.environment, attribute), value)
    return sync_do_join(eval_ctx, [one for one in pieces if not isinstance(one, Null)], d)


def null_as_json(value: Any) -> None:
    """What JSON has for it, where it can be written at all; raise UndefinedError where it is missing."""
    if isinstance(value, Missing) and not isinstance(value, Null):
        _fail(value)
    if not isinstance(value, Undefined):
        raise TypeError(f"{type(value).__name__} is no JSON")


def _fail(value: Missing) -> Never:
    value._fail_with_undefined_error()


ASKS = frozenset({"default", "d", "tojson"})
"""Filters that know what to do with what is missing; every other one passes it on."""

COMPARES = frozenset({"defined", "undefined", "none", "eq", "==", "equalto", "ne", "!=", "in"})
"""Tests that may be true of what is missing; every other one is false."""
