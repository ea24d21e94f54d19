"""The syntax tree of a guard: CEL's grammar (https://github.com/google/cel-spec, "Syntax"), read once.

The evaluator keeps its own tree to itself. This one says which values a guard reads and how often it goes over them;
what a guard means is decided by the evaluator alone, which refuses what it does not know.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

DEEPEST = 40
"""Brackets within brackets, steps along one path, and calls on the result of calls."""

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
"""Calls that go over a list (or a map's keys), with a variable for each element."""

_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">", "in"), ("+", "-"), ("*", "/", "%"))
_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r\n\f]|//[^\n]*)+)
    |(?P<text>(?:[bB]?[rR]|[rR][bB])(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\r\n]*"|'[^'\r\n]*')
        |[bB]?(?:\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}
            |"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>&&|\|\||[=!<>]=|=|[-+*/%!<>?:.,()\[\]{}])
    |(?P<end>\Z)""",
    re.VERBOSE | re.ASCII,
)
_QUOTED = re.compile(r"(?P<prefix>[bBrR]*)(?P<quote>\"{3}|'{3}|[\"'])(?P<inside>[\s\S]*)(?P=quote)")

_ESCAPE = re.compile(
    r"\\(?:(?P<coded>[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})|(?P<plain>[\s\S]))"
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number, a truth value, null, bytes (`length` of them), or a text; `kind` says which."""

    length: int = 0
    text: str | None = None
    kind: Literal["number", "truth", "null", "bytes", "text"] = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable, where it stands in the guard."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """`of.name`, or `of["name"]`; `asked` within has(…)."""

    of: "Tree"
    name: str
    start: int
    end: int
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """`of[key]` with a key that is worked out."""

    of: "Tree"
    key: "Tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """A function, a method (its target first) or an operator; operators of one level in a row are one call."""

    name: str
    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A list or a map written out; of a map, keys and values in turn."""

    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """`over.all(variable, …)` and the like: every part of the body is worked out for each element."""

    name: str
    over: "Tree"
    variable: str
    body: tuple["Tree", ...]


Tree = Constant | Variable | Select | Index | FunctionCall | Collection | Macro
"""A node of the tree."""


def parts(tree: Tree) -> Sequence[Tree]:
    """What a node is made of."""
    match tree:
        case Constant() | Variable():
            return ()
        case Select():
            return (tree.of,)
        case Index():
            return (tree.of, tree.key)
        case FunctionCall() | Collection():
            return tree.parts
        case Macro():
            return (tree.over, *tree.body)


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node, the tree itself first."""
    yield tree
    for part in parts(tree):
        yield from walk(part)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def check_comparisons(text: str) -> None:
    """Raise ValueError where `=` stands for `==`; what is no guard for another reason is left to the evaluator."""
    try:
        single = next((one for one in _tokens(text) if one.text == "=" and one.kind == "mark"), None)
    except ValueError:
        return
    if single is not None:
        raise ValueError(f"the guard has = at character {single.start + 1}, which compares nothing; write ==")


def parse(text: str) -> Tree:
    """The tree of a guard; raise ValueError with a sentence where it is none, or nests deeper than DEEPEST."""
    reader = _Parser(list(_tokens(text)))
    tree = reader.whole()
    reader.take("", "end")
    return tree


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"the guard has something that cannot be read at character {at + 1}")
        kind, at = str(match.lastgroup), match.end()
        if kind != "space":
            yield _Token(kind, match[0], match.start(), at)
        if kind == "end":
            return


def _misplaced(token: _Token) -> ValueError:
    return ValueError(f"the guard has {token.text or 'its end'!r} at character {token.start + 1}, out of place")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def peek(self, *texts: str) -> bool:
        token = self._tokens[self._at]
        return token.text in texts and token.kind in ("mark", "name")

    def next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def took(self, *texts: str) -> bool:
        found = self.peek(*texts)
        self._at += found
        return found

    def take(self, text: str, kind: str = "mark") -> _Token:
        token = self._tokens[self._at]
        if token.kind != kind or (text and token.text != text):
            raise _misplaced(token)
        return self.next()

    def deeper(self, by: int = 1) -> None:
        self._depth += by
        if self._depth > DEEPEST:
            raise ValueError(f"the guard nests deeper than {DEEPEST} levels")

    def whole(self) -> Tree:
        self.deeper()
        tree = self._level(0)
        if self.took("?"):
            chosen = self._level(0)
            self.take(":")
            tree = FunctionCall(name="?:", parts=(tree, chosen, self.whole()))
        self.deeper(-1)
        return tree

    def _level(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        parts = [self._level(level + 1)]
        operators: set[str] = set()
        while self.peek(*_LEVELS[level]):
            operators.add(self.next().text)
            parts.append(self._level(level + 1))
        return FunctionCall(name=min(operators), parts=tuple(parts)) if operators else parts[0]

    def _unary(self) -> Tree:
        signed = 0
        while self.took("!", "-"):
            signed += 1
        tree = self._member()
        return FunctionCall(name="!", parts=(tree,)) if signed else tree

    def _member(self) -> Tree:
        start, depth = self._tokens[self._at].start, self._depth
        tree = self._primary()
        while self.peek(".", "["):
            self.deeper()
            tree = self._index(tree, start) if self.took("[") else self._field(tree, start)
        self._depth = depth
        return tree

    def _index(self, of: Tree, start: int) -> Tree:
        key = self.whole()
        end = self.take("]").end
        if isinstance(key, Constant) and key.text is not None:
            return Select(of=of, name=key.text, start=start, end=end)
        return Index(of=of, key=key)

    def _field(self, of: Tree, start: int) -> Tree:
        self.take(".")
        name = self.take("", "name")
        if not self.took("("):
            return Select(of=of, name=name.text, start=start, end=name.end)
        parts = self._parts(")")
        if name.text in MACROS and len(parts) in (2, 3) and isinstance(parts[0], Variable):
            return Macro(name=name.text, over=of, variable=parts[0].name, body=parts[1:])
        return FunctionCall(name=name.text, parts=(of, *parts))

    def _primary(self) -> Tree:
        if self.took("("):
            tree = self.whole()
            self.take(")")
            return tree
        if self.took("["):
            return Collection(parts=self._parts("]"))
        if self.took("{"):
            return Collection(parts=self._entries())
        self.took(".")
        token = self.next()
        match token.kind:
            case "number":
                return Constant()
            case "text":
                return _literal(token.text)
            case "name":
                return self._named(token)
            case _:
                raise _misplaced(token)

    def _named(self, token: _Token) -> Tree:
        if token.text in ("true", "false", "null"):
            return Constant(kind="null" if token.text == "null" else "truth")
        if not self.took("("):
            return Variable(name=token.text, start=token.start, end=token.end)
        parts = self._parts(")")
        if token.text == "has" and len(parts) == 1 and isinstance(parts[0], Select):
            asked = parts[0]
            return Select(of=asked.of, name=asked.name, start=asked.start, end=asked.end, asked=True)
        return FunctionCall(name=token.text, parts=parts)

    def _parts(self, close: str) -> tuple[Tree, ...]:
        parts: list[Tree] = []
        while not self.took(close):
            parts.append(self.whole())
            if not self.took(","):
                self.take(close)
                break
        return tuple(parts)

    def _entries(self) -> tuple[Tree, ...]:
        parts: list[Tree] = []
        while not self.took("}"):
            parts.append(self.whole())
            self.take(":")
            parts.append(self.whole())
            if not self.took(","):
                self.take("}")
                break
        return tuple(parts)


def _literal(text: str) -> Constant:
    quoted = _QUOTED.fullmatch(text)
    assert quoted is not None
    prefix, inside = quoted["prefix"].lower(), quoted["inside"]
    if "b" in prefix:
        return Constant(length=len(inside.encode()), kind="bytes")
    plain = inside if "r" in prefix else _ESCAPE.sub(_unescaped, inside)
    return Constant(length=len(plain.encode(errors="replace")), text=plain, kind="text")


def _unescaped(match: re.Match[str]) -> str:
    if match["coded"]:
        code = match["coded"]
        number = int(code, 8) if code.isdigit() else int(code[1:], 16)
        return chr(min(number, 0x10FFFF))
    return _ESCAPES.get(match["plain"], match["plain"])
