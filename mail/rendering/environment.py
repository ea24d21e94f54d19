"""How templates are compiled and run: sandboxed, escaped, and so that a dot on data means the key.

    {{ enrollment.items }}     the key `items`, never the method of the same name
    {{ customer.tags.count }}  missing: a list has no keys
    {% for name, value in customer.events.items() %}   called, it is the method, since no data can be called

What is missing, null, empty or blank: `mail.rendering.missing`. This room knows neither files nor mails.
"""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from jinja2 import BaseLoader, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_environment
from markupsafe import Markup

from mail.rendering.filters import FILTERS
from mail.rendering.missing import ASKS, COMPARES, Missing, Null, default, first_missing, is_none, join, null_as_json


class _CallsAreMethods(CodeGenerator):
    """Tells `x.name()` from `x.name`, which the same node stands for."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Remember what is called, until it is visited."""
        self.called = node.node
        super().visit_Call(node, frame, forward_caller=forward_caller)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """A method where it is called, else what stands under the key."""
        if node is not self.called:
            return super().visit_Getattr(node, frame)
        self.write("environment.method(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r})")

    called: nodes.Expr | None = None


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, over data as JSON knows them."""

    code_generator_class = _CallsAreMethods

    def __init__(self, loader: BaseLoader, autoescape: bool) -> None:
        super().__init__(
            loader=loader,
            autoescape=autoescape,
            undefined=Missing,
            finalize=_printable,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters.update(FILTERS, default=default, d=default, join=join, attr=_attr)
        self.filters = {name: one if name in ASKS else _passing_on(one) for name, one in self.filters.items()}
        self.tests.update(none=is_none)
        self.tests = {name: one if name in COMPARES else _of_what_is_there(one) for name, one in self.tests.items()}
        self.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": null_as_json}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What stands under a key of data; of what is ours (`loop`, a macro), its attribute."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return self.getitem(obj, attribute) if _is_data(obj) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The same in brackets, and in `map`, `sort` and their like."""
        if not _is_data(obj):
            return super().getitem(obj, argument)
        if isinstance(argument, str) and argument.startswith("_") and not isinstance(obj, dict):
            return self.unsafe_undefined(obj, argument)
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self.undefined(obj=obj, name=argument)

    def method(self, obj: Any, name: str) -> Any:
        """What `obj.name(…)` calls."""
        if isinstance(obj, dict) and name == "get":
            return partial(_get, obj)
        return obj if isinstance(obj, Missing) else super().getattr(obj, name)

    def call(self, context: Context, obj: Any, /, *args: Any, **more: Any) -> Any:
        """What a call gives; nothing is as null is."""
        given = super().call(context, obj, *args, **more)
        return Null(hint="a call gave nothing") if given is None else given


_DATA = frozenset({dict, str, list, int, float, bool, tuple, Markup, Missing, Null})
"""What data are made of; a tuple of another type is Jinja2's own, as what `groupby` gives."""

_TEXTS = frozenset({str, Markup, int, float})
"""What is printed as it is."""


def _is_data(obj: Any) -> bool:
    return type(obj) in _DATA


def _get(data: Mapping[str, Any], key: str, instead: Any = None) -> Any:
    value = data.get(key, instead)
    return instead if isinstance(value, Null) else value


def _printable(value: Any) -> Any:
    """What reaches a reader: no None, and nothing of Python's own; raise TypeError for that."""
    if type(value) in _TEXTS:
        return value
    if value is None or isinstance(value, list | tuple | dict):
        return first_missing(value, value)
    if callable(value) and not isinstance(value, Undefined):
        raise TypeError("this is a function and no value; call it")
    return value


@pass_environment
def _attr(environment: TemplateEnvironment, obj: Any, name: str) -> Any:
    """The filter `attr`: as a dot."""
    return environment.getattr(obj, name)


def _passing_on(filter: Callable[..., Any]) -> Callable[..., Any]:
    """What is missing goes through, so that a `default` behind it is heard."""
    place = 1 if hasattr(filter, "jinja_pass_arg") else 0

    @wraps(filter)
    def passed(*args: Any, **more: Any) -> Any:
        return args[place] if isinstance(args[place], Missing) else filter(*args, **more)

    return passed


def _of_what_is_there(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test of what is missing is false, whatever it asks."""
    place = 1 if hasattr(test, "jinja_pass_arg") else 0

    @wraps(test)
    def asked(*args: Any, **more: Any) -> Any:
        return not isinstance(args[place], Missing) and test(*args, **more)

    return asked
