"""Texts of journeys and broadcasts that are templates themselves: read when they are saved, and never run for that.

A subject is filled in as its mail is; what a webhook or a note says knows the customer, the enrollment and the brand
(`Composer.fill`). It must not know where the texts stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from jinja2 import DictLoader, TemplateSyntaxError

from mail.rendering import names
from mail.rendering.environment import TemplateEnvironment
from mail.rendering.names import UnknownName

KNOWN: Mapping[Literal["subject", "hook"], frozenset[str]] = {
    "subject": names.VARIABLES - {"subject"},
    "hook": frozenset({"customer", "enrollment", "brand"}),
}
"""What each kind of text may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReading:
    """Why a text is no template, or its unknown names and the attributes that it cannot do without."""

    problem: str | None = None
    line: int = 1
    unknown: Sequence[UnknownName] = ()
    attributes: frozenset[str] = frozenset()


def read(text: str, kind: Literal["subject", "hook"]) -> TextReading:
    """Read one text."""
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        return TextReading(problem=error.message or "it is no template", line=error.lineno)
    except RecursionError:
        return TextReading(problem="it nests too deeply")
    unknown = names.unknown(tree, _environment(), (), KNOWN[kind])
    return TextReading(unknown=unknown, attributes=names.needed(tree, "customer"))


@cache
def _environment() -> TemplateEnvironment:
    return TemplateEnvironment(DictLoader({}), autoescape=False)
