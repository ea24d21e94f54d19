"""Which names of a template nobody knows: variables, what is in `brand`, filters, tests, and other templates.

A name that is asked about first (`is defined`, `default`, `or`, `if`) may be there one day: it makes a warning. Without
such a guard no customer would ever get the mail: that is an error. What a customer or an enrollment holds is not judged
here, since it is another thing for each of them.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import Environment, meta, nodes

from mail.brand import NAMES as OF_BRAND

VARIABLES = frozenset(
    {
        "customer", "enrollment", "brand", "unsubscribe_url", "preferences_url", "confirm_url", "message_id", "subject",
        "preheader", "locale", "timezone", "now", "topic", "survey", "_",
    }
)  # fmt: skip
"""What a template may name; `_("…")` is a text of ours in the mail's language (`mail.translations`)."""

_GUARDING_FILTERS = frozenset({"default", "d"})
_GUARDING_TESTS = frozenset({"defined", "undefined", "none"})
_Bound = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownName:
    """A name that nobody knows: in which line, counted from 1, and what was meant perhaps.

    `guarded` is whether the template asks about it first.
    """

    name: str
    line: int
    what: str
    near: str | None
    guarded: bool

    def __str__(self) -> str:
        """As the author of the template is told it."""
        return f"line {self.line}: {self.told}"

    @property
    def told(self) -> str:
        """The same without the line."""
        near = f"; the nearest is {self.near!r}" if self.near else ""
        return f"there is no {self.what} {self.name!r}{near}"


def unknown(
    tree: nodes.Template, environment: Environment, templates: Collection[str], known: frozenset[str] = VARIABLES
) -> list[UnknownName]:
    """Every unknown name of a template, in the order of the lines.

    `templates` are those it may include or extend, `known` the variables that there are.
    """
    found = [*_unknown_helpers(tree, environment), *_unknown_templates(tree, templates)]
    if not found:
        found += _Reader(meta.find_undeclared_variables(tree) - known, known).read(tree, frozenset(), frozenset())
    return sorted(found, key=lambda one: one.line)


def needed(tree: nodes.Template, variable: str) -> frozenset[str]:
    """The names in a variable (`customer.plan`) that a text prints whatever happens; it fails where one is missing."""
    printed = (_passed_on(part) for one in tree.body if isinstance(one, nodes.Output) for part in one.nodes)
    return frozenset(
        part.attr
        for part in printed
        if isinstance(part, nodes.Getattr) and isinstance(part.node, nodes.Name) and part.node.name == variable
    )


def _passed_on(node: nodes.Node) -> nodes.Node:
    """What filters are given, up to one that has something else to give."""
    while isinstance(node, nodes.Filter) and node.node is not None and node.name not in _GUARDING_FILTERS:
        node = node.node
    return node


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that is spelled most like this one."""
    return next(iter(get_close_matches(name, known, n=1)), None)


def _unknown_helpers(tree: nodes.Template, environment: Environment) -> Iterator[UnknownName]:
    for kind, what, known in ((nodes.Filter, "filter", environment.filters), (nodes.Test, "test", environment.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                near = nearest(node.name, list(known))
                yield UnknownName(name=node.name, line=node.lineno, what=what, near=near, guarded=False)


def _unknown_templates(tree: nodes.Template, templates: Collection[str]) -> Iterator[UnknownName]:
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        name = node.template
        if isinstance(name, nodes.Const) and isinstance(name.value, str) and name.value not in templates:
            yield UnknownName(
                name=name.value,
                line=node.lineno,
                what="template",
                near=nearest(name.value, templates),
                guarded=isinstance(node, nodes.Include) and node.ignore_missing,
            )


class _Reader:
    """Reads a tree from above, and knows at each place which names were bound, and which were asked about."""

    def __init__(self, undeclared: Collection[str], known: Collection[str]) -> None:
        self._undeclared, self._known = undeclared, known

    def read(self, node: nodes.Node, bound: _Bound, asked: _Bound | None) -> Iterator[UnknownName]:
        """The unknown names in this node; `asked` are those that are guarded here (None: whatever stands here is)."""
        match node:
            case nodes.Name(ctx="load") if node.name in self._undeclared and node.name not in bound:
                yield self._told(node.name, node.lineno, "variable", self._known, asked)
            case nodes.Getattr(node=nodes.Name(name="brand"), attr=name) if name not in OF_BRAND:
                yield self._told(name, node.lineno, "name in `brand`", OF_BRAND, asked)
            case nodes.Filter(name=name, node=nodes.Expr() as value) if name in _GUARDING_FILTERS:
                yield from self.read(value, bound, None)
                yield from self._each([*node.args, *node.kwargs], bound, asked)
            case nodes.Test(name=name) if name in _GUARDING_TESTS:
                yield from self.read(node.node, bound, None)
            case nodes.If() | nodes.CondExpr() | nodes.And() | nodes.Or():
                yield from self._asking(node, bound, asked)
            case nodes.For():
                yield from self.read(node.iter, bound, asked)
                inner = bound | _names(node.target) | {"loop"}
                yield from self._each([*node.body, *([node.test] if node.test else [])], inner, asked)
                yield from self._each(node.else_, bound, asked)
            case nodes.With():
                yield from self._each(node.values, bound, asked)
                yield from self._each(node.body, bound | _names(*node.targets), asked)
            case nodes.Macro() | nodes.CallBlock():
                yield from self._each(
                    [*node.defaults, *([node.call] if isinstance(node, nodes.CallBlock) else [])], bound, asked
                )
                yield from self._each(node.body, bound | _names(*node.args) | {"caller", "varargs", "kwargs"}, asked)
            case _:
                yield from self._each(node.iter_child_nodes(), bound, asked)

    def _asking(
        self, node: nodes.If | nodes.CondExpr | nodes.BinExpr, bound: _Bound, asked: _Bound | None
    ) -> Iterator[UnknownName]:
        """What is asked is guarded in the answer, and behind it."""
        question = node.left if isinstance(node, nodes.BinExpr) else node.test
        yield from self.read(question, bound, None)
        known = None if asked is None else asked | _names(question)
        yield from self._each((one for one in node.iter_child_nodes() if one is not question), bound, known)

    def _each(self, many: Iterable[nodes.Node], bound: _Bound, asked: _Bound | None) -> Iterator[UnknownName]:
        for one in many:
            yield from self.read(one, bound, asked)

    def _told(self, name: str, line: int, what: str, known: Collection[str], asked: _Bound | None) -> UnknownName:
        guarded = asked is None or name in asked
        return UnknownName(name=name, line=line, what=what, near=nearest(name, known), guarded=guarded)


def _names(*many: nodes.Node) -> frozenset[str]:
    """The variables in these expressions."""
    return frozenset(
        name.name for one in many for name in ([one] if isinstance(one, nodes.Name) else one.find_all(nodes.Name))
    )
