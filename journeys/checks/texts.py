"""Texts of a journey that are templates themselves: subjects, and what webhooks and notes say.

Who can read templates gives the judge (`ValidationContext.judge_text`); here is which texts there are, and what is told
of each. A mail, a call or a note with a name that nobody knows would fail for every customer: that is an error, unless
the text asks about the name first.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal, Protocol, cast

from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem, Path, nearest
from journeys.language.step_tree import all_steps
from journeys.language.verbs import NotifyStep, SendStep, Step, WebhookStep

TextKind = Literal["subject", "hook"]
"""What a text is: they name different things."""


class UnknownInText(Protocol):
    """A name that nobody knows, in a line of the text; `guarded` is whether the text asks about it first."""

    @property
    def told(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def guarded(self) -> bool: ...


class JudgedText(Protocol):
    """What was found in a text: why (in which line) it is no template; unknown names, attributes that it needs."""

    @property
    def problem(self) -> str | None: ...
    @property
    def line(self) -> int: ...
    @property
    def unknown(self) -> Collection[UnknownInText]: ...
    @property
    def attributes(self) -> Collection[str]: ...


JudgeText = Callable[[str, TextKind], JudgedText]
"""Reads one text."""


def problems(journey: Definition, judge: JudgeText | None, there: frozenset[str] | None) -> list[DefinitionProblem]:
    """What is wrong with each text; `there` are the attributes that somebody has, None where nobody knows."""
    if judge is None:
        return []
    return [
        problem
        for path, step in all_steps(journey)
        for where, text, kind in _texts(step, path)
        if "{" in text
        for problem in _told(judge(text, kind), where, text, there)
    ]


def _told(judged: JudgedText, path: Path, text: str, there: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    found = repr(text[:60])
    if judged.problem is not None:
        yield DefinitionProblem(
            code="text", message=_in_line(judged.line, text) + judged.problem, path=path, found=found
        )
    for one in judged.unknown:
        yield DefinitionProblem(
            code="unknown_name",
            severity="warning" if one.guarded else "error",
            message=_in_line(one.line, text) + one.told + ("; it is taken for missing" if one.guarded else ""),
            path=path,
            found=found,
        )
    for name in sorted(set(judged.attributes) - there) if there is not None else ():
        yield DefinitionProblem(
            code="unknown_attribute",
            severity="warning",
            message=f"no customer has the attribute {name!r}, so nothing is sent without a default",
            path=path,
            found=found,
            expected=nearest(name, sorted(there or ())),
        )


def _in_line(line: int, text: str) -> str:
    """Where in a text of several lines."""
    return f"in line {line} of the text, " if "\n" in text.strip() else ""


def _texts(step: Step, path: Path) -> Iterator[tuple[Path, str, TextKind]]:
    if isinstance(step, SendStep) and step.send.subject is not None:
        yield (*path, "send", "subject"), step.send.subject, "subject"
    elif isinstance(step, WebhookStep):
        for name, value in step.webhook.headers.items():
            if isinstance(value, str):
                yield (*path, "webhook", "headers", name), value, "hook"
        for where, text in _within(step.webhook.body, (*path, "webhook", "body")):
            yield where, text, "hook"
    elif isinstance(step, NotifyStep):
        for name, text in (("subject", step.notify.subject), ("text", step.notify.text)):
            if text is not None:
                yield (*path, "notify", name), text, "hook"


def _within(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a value, with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in cast(Mapping[str, Any], value).items():
            yield from _within(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(cast(list[Any], value)):
            yield from _within(inner, (*path, index))
