"""Whether a well-formed definition makes sense where it is to run: names that mean something, ids that stay.

`ValidationContext` is what is known there; what is None stays unchecked. Whether it flows is told by `flow`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from journeys.checks import flow, hooks, hours, mismatched_guards, named, sends, set_values, splits, texts
from journeys.checks.edits import changes_since
from journeys.facts import guards
from journeys.facts.calendar import Window
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem, Path, nearest
from journeys.language.step_tree import all_steps
from journeys.language.verbs import BranchStep, EnrollStep, GoStep, SendStep, SetStep, SplitStep, WaitForStep
from readers import hand_over_answers, survey_scales


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationContext:
    """What exists where the journey is to run: template keys, event names seen, …, names of secrets, what is live.

    `topics` are those that were given terms, `attributes` those that customers have; None before there are any.
    `lifecycle` is the key of the journey whose stage is the customer's lifecycle stage, where one is published.
    `private_hooks` is whether hosts of the own network are called. `judge_text` reads a text that is a template.
    """

    templates: frozenset[str] | None = None
    events: frozenset[str] | None = None
    segments: frozenset[str] | None = None
    journeys: frozenset[str] | None = None
    secrets: frozenset[str] | None = None
    private_hooks: bool | None = None
    judge_text: texts.JudgeText | None = None
    awake: Window | None = None
    transactional_topics: frozenset[str] = frozenset()
    lifecycle: str | None = None
    topics: frozenset[str] | None = None
    attributes: frozenset[str] | None = None
    previous: Definition | None = None


NOWHERE = ValidationContext()
"""Where nothing is known: names are taken as they are."""

MOST_OF_A_KIND = 100
"""Problems that are told of a kind: each costs a search for what was meant, and nobody mends more at once."""


def lint(journey: Definition, around: ValidationContext = NOWHERE) -> list[DefinitionProblem]:
    """Every problem of meaning, errors first."""
    found = names(journey, around)
    found += flow.problems(journey, whole=all(problem.code != "unknown_stage" for problem in found))
    found += changes_since(journey, around.previous)
    return sorted(found, key=lambda problem: problem.severity != "error")


def names(journey: Definition, around: ValidationContext = NOWHERE) -> list[DefinitionProblem]:
    """What can be said of each name alone: of each kind the first MOST_OF_A_KIND, since each costs a search.

    A kind is all errors or all warnings, so none is hidden behind the other.
    """
    judged = texts.problems(journey, around.judge_text, named.there(journey, around.attributes))
    kinds = (
        _second_lifecycle(journey, around.lifecycle),
        _stages_named(journey),
        _ids(journey),
        _templates(journey, around.templates),
        _segments(journey, around.segments),
        _journeys(journey, around.journeys),
        _as_it_stands(journey),
        _hooks(journey, around),
        [one for one in judged if one.severity == "error"],
        [one for one in judged if one.severity == "warning"],
        sends.topics(journey),
        named.topics(journey, around.topics),
        named.attributes(journey, guards_of(journey), around.attributes),
        splits.problems(journey),
        splits.undecidable(journey),
        hours.problems(journey, around.awake, around.transactional_topics),
        sends.unmailable(journey),
        _refused_guards(journey),
        mismatched_guards.problems(guards_of(journey)),
        _eventless(journey),
        _events(journey, around.events),
    )
    return [problem for kind in kinds for problem in islice(kind, MOST_OF_A_KIND)]


def _unknown(what: str, name: str, path: Path, known: frozenset[str] | list[str]) -> DefinitionProblem:
    return DefinitionProblem(
        code=f"unknown_{what}",
        message=f"there is no {what} {name!r}",
        path=path,
        found=repr(name),
        expected=nearest(name, sorted(known)),
    )


def _second_lifecycle(journey: Definition, known: str | None) -> Iterator[DefinitionProblem]:
    """A customer has one lifecycle stage, so one journey says which."""
    if journey.lifecycle and known not in (None, journey.journey):
        yield DefinitionProblem(
            code="second_lifecycle",
            message=f"the journey {known!r} is the lifecycle already, and a customer has one lifecycle stage",
            path=("lifecycle",),
            expected=f"lifecycle: false; or archive {known!r} (or publish it without lifecycle) first",
        )


def _stages_named(journey: Definition) -> Iterator[DefinitionProblem]:
    named: list[tuple[Path, str]] = [(("start",), journey.start)]
    for key, stage in journey.stages.items():
        named += [(("stages", key, "transitions", i, "to"), one.to) for i, one in enumerate(stage.transitions)]
    named += [((*path, "go"), step.go) for path, step in all_steps(journey) if isinstance(step, GoStep)]
    for path, name in named:
        if name not in journey.stages:
            yield _unknown("stage", name, path, list(journey.stages))


def _ids(journey: Definition) -> Iterator[DefinitionProblem]:
    seen: set[str] = set()
    for path, step in all_steps(journey):
        names = [(step.id, (*path, "id"))] if step.id else []
        if isinstance(step, SplitStep):
            names.append((f"split {step.split.id}", (*path, "split", "id")))
        for name, where in names:
            if name in seen:
                message = f"the id {name.removeprefix('split ')!r} is used twice"
                yield DefinitionProblem(code="duplicate_id", message=message, path=where, expected="an id of its own")
            seen.add(name)


def _templates(journey: Definition, known: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    for path, step in all_steps(journey):
        if known is not None and isinstance(step, SendStep) and step.send.template not in known:
            yield _unknown("template", step.send.template, (*path, "send"), known)


def _segments(journey: Definition, known: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    if known is None:
        return
    for index, trigger in enumerate(journey.enter):
        if trigger.segment is not None and trigger.segment not in known:
            yield _unknown("segment", trigger.segment, ("enter", index, "segment"), known)
    for path, guard in guards_of(journey):
        for name in SEGMENT_ASKED.findall(guard):
            if name not in known:
                yield _unknown("segment", name, path, known)


SEGMENT_ASKED = re.compile(r"""["']([^"']+)["']\s+in\s+customer\.segments""")
"""The segments that a guard asks for by name."""


def guards_of(journey: Definition) -> Iterator[tuple[Path, str]]:
    """Every guard with its path."""
    ruled: list[tuple[Path, str | None]] = [(("enter", i, "when"), one.when) for i, one in enumerate(journey.enter)]
    ruled += [(("exit", i, "when"), one.when) for i, one in enumerate(journey.exit)]
    ruled.append((("goal", "when"), journey.goal.when if journey.goal else None))
    for key, stage in journey.stages.items():
        ruled += [(("stages", key, "transitions", i, "when"), one.when) for i, one in enumerate(stage.transitions)]
    for path, step in all_steps(journey):
        if isinstance(step, BranchStep):
            ruled += [((*path, "branch", i, "if"), case.condition) for i, case in enumerate(step.branch)]
        elif isinstance(step, WaitForStep):
            ruled.append(((*path, "wait_for", "when"), step.wait_for.when))
    yield from ((path, guard) for path, guard in ruled if guard is not None)


def _refused_guards(journey: Definition) -> Iterator[DefinitionProblem]:
    """Here and not where a guard is read: what was published before must stay readable."""
    for path, guard in guards_of(journey):
        if (refusal := guards.refusal(guard)) is not None:
            code, message = refusal
            yield DefinitionProblem(code=code, message=message, path=path)


def _journeys(journey: Definition, known: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    for path, step in all_steps(journey):
        if isinstance(step, EnrollStep) and step.enroll.journey == journey.journey:
            message, expected = "a journey cannot start itself", "another journey, or `go` to a stage of this one"
            yield DefinitionProblem(code="enrolls_itself", message=message, path=(*path, "enroll"), expected=expected)
        elif known is not None and isinstance(step, EnrollStep) and step.enroll.journey not in known:
            yield _unknown("journey", step.enroll.journey, (*path, "enroll"), known)


def _as_it_stands(journey: Definition) -> Iterator[DefinitionProblem]:
    for path, step in all_steps(journey):
        if isinstance(step, SetStep):
            yield from set_values.problems(step, path)
        elif isinstance(step, EnrollStep):
            yield from set_values.of_enroll(step, path)


def _hooks(journey: Definition, around: ValidationContext) -> Iterator[DefinitionProblem]:
    for path, step in all_steps(journey):
        yield from hooks.problems(step, path, around.secrets, around.private_hooks)


def _eventless(journey: Definition) -> Iterator[DefinitionProblem]:
    """Guards that read `event` where there is none."""
    guarded: list[tuple[Path, str]] = []
    for key, stage in journey.stages.items():
        guarded += [
            (("stages", key, "transitions", i, "when"), one.when)
            for i, one in enumerate(stage.transitions)
            if one.when is not None and one.on is None
        ]
    for path, step in all_steps(journey):
        if isinstance(step, BranchStep):
            guarded += [
                ((*path, "branch", i, "if"), case.condition) for i, case in enumerate(step.branch) if case.condition
            ]
        elif isinstance(step, WaitForStep) and step.wait_for.event is None and step.wait_for.when:
            guarded.append(((*path, "wait_for", "when"), step.wait_for.when))
    for path, text in guarded:
        if guards.reads_event(text):
            yield DefinitionProblem(
                code="no_event_here",
                severity="warning",
                message="this guard reads `event`, and here there is none, so it sees null",
                path=path,
                expected="customer.events[…] for what happened before",
            )


def events_named(journey: Definition) -> Iterator[tuple[Path, str]]:
    """Every event name that is waited for, with its path."""
    yield from _events_around(journey)
    for key, stage in journey.stages.items():
        for index, one in enumerate(stage.transitions):
            for field, name in (("on", one.on), ("of", one.of)):
                if name is not None:
                    yield ("stages", key, "transitions", index, field), name
    for path, step in all_steps(journey):
        if isinstance(step, WaitForStep) and step.wait_for.event is not None:
            yield (*path, "wait_for", "event"), step.wait_for.event


def _events_around(journey: Definition) -> Iterator[tuple[Path, str]]:
    for index, trigger in enumerate(journey.enter):
        if trigger.on is not None:
            yield ("enter", index, "on"), trigger.on
    for index, rule in enumerate(journey.exit):
        yield ("exit", index, "on"), rule.on
    if journey.goal is not None:
        yield ("goal", "on"), journey.goal.on


def _events(journey: Definition, known: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    if known is None:
        return
    told: set[str] = set()
    for path, name in events_named(journey):
        if name not in known and name not in OWN_EVENTS and name not in told:
            told.add(name)
            yield DefinitionProblem(
                code="unknown_event",
                severity="warning",
                message=f"the event {name!r} was never seen",
                path=path,
                found=repr(name),
                expected=nearest(name, sorted(known)),
            )


MAIL_EVENTS = tuple(
    f"Message {what}" for what in ("Delivered", "Bounced", "Opened", "Clicked", "Complained", "Unsubscribed")
)
"""What the provider reports about a mail, as events of its customer."""

OWN_EVENTS = frozenset(
    {
        *guards.PROFILE_EVENTS,
        *guards.SEGMENT_EVENTS,
        *guards.CONSENT_EVENTS,
        survey_scales.ANSWERED,
        hand_over_answers.ANSWERED,
        *MAIL_EVENTS,
        "Page Viewed",
        "Screen Viewed",
        "Alias",
    }
)
"""Events that the product makes, or names itself: nobody need have sent them."""
