"""What a plan says to its author, in sentences."""

from collections.abc import Callable, Mapping

from journeys.changes.outcomes import AlikeOutcomes, JourneyPlace, Kind
from journeys.program.step_ids import in_words

Say = Callable[[int, AlikeOutcomes], str]
"""A sentence about so many enrollments, to which this happens."""


def warning(count: int, one: AlikeOutcomes) -> str | None:
    """What an author must know of all those to whom this happens, and what may be done; None where nothing."""
    say = _SAY.get(one.kind)
    return say(count, one) if say is not None else None


def _stranded(count: int, one: AlikeOutcomes) -> str:
    return (
        f"{_customers(count)} in stage {one.was.stage!r} would be stranded, since the new version has no such stage; "
        f"say where they go: moves: {{stages: {{{one.was.stage}: …}}}}"
    )


def _again(count: int, one: AlikeOutcomes) -> str:
    at_once = f"; as soon as they are moved they are mailed {', '.join(map(repr, one.mails))}" if one.mails else ""
    return (
        f"{_customers(count)} at {_place(one.was)} were sent {one.template!r} already, and {_called(one.repeats)} "
        f"would send it again; it is skipped for them unless you choose again: send{at_once}"
    )


def _at_once(count: int, one: AlikeOutcomes) -> str:
    return (
        f"{_customers(count)} at {_place(one.was)} would be mailed {one.template!r} as soon as they are moved, "
        "since the wait before it is over or gone"
    )


def _leaves(count: int, one: AlikeOutcomes) -> str:
    return f"{_customers(count)} at {_place(one.was)} would leave as soon as they are moved: {one.reason}"


_SAY: Mapping[Kind, Say] = {
    "stranded": _stranded,
    "mails_again": _again,
    "mails_at_once": _at_once,
    "would_leave": _leaves,
}


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"


def _place(place: JourneyPlace) -> str:
    return f"{_called(place.step)} in stage {place.stage!r}" if place.step else f"rest in stage {place.stage!r}"


def _called(step: str | None) -> str:
    return repr(in_words(step or ""))
