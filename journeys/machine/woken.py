"""One wake of an enrollment, as its workflow follows it: what was put in, what the core was told, and where that led.

There is nothing personal in it: instants, numbers, names of steps and events, verdicts.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from journeys.machine.inputs import Answer, Input
from journeys.machine.state import ENGINE_VERSION, Deadline, State

STATE: TypeAdapter[State] = TypeAdapter(State)
"""Reads and writes a state as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What came of a wake. One without inputs found nothing to do, and does not count as one.

    `wakes_at` and `reason` (why it ended, None where it has not) are those of the state that was reached; `checksum` is
    that state's. `more` says that more was due than one wake does. `stuck` says that the wake fails again and again;
    then nothing was done, and the error stands on the enrollment. `state` is there where the workflow has to take it
    over, with the `number` of the wake that led to it; `digest` names its program where that is another one.
    """

    number: int | None = None
    inputs: tuple[Input, ...] = ()
    answers: tuple[Annotated[Answer, Field(discriminator="kind")], ...] = ()
    wakes_at: datetime | None = None
    reason: str | None = None
    checksum: str = ""
    more: bool = False
    stuck: bool = False
    state: State | None = None
    digest: str | None = None

    def lean(self) -> dict[str, Any]:
        """The same without what has its default: a history keeps every byte for years."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) != one.default}


WOKEN: TypeAdapter[Woken] = TypeAdapter(Woken)
"""Reads and writes what came of a wake as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """Where a history begins: the state, and how many wakes came before.

    `woken` is what came of the next one, in histories that began with their first wake (ADR 15).
    """

    state: State
    wakes: int = 0
    woken: Woken | None = None

    def rests(self) -> bool:
        """Whether nothing is due before a deadline: the wake did everything, or an import placed it there."""
        if self.woken is not None:
            return self.woken.reason is None and not self.woken.more
        return self.wakes == 0 and self.state.phase == "live"


def kept(state: State) -> dict[str, Any]:
    """The state as a row keeps it: what has its default is left out."""
    return STATE.dump_python(state, mode="json", exclude_defaults=True)


def restored(stored: Mapping[str, Any]) -> State:
    """The state that a row keeps; it goes on by the engine of today. Raise ValidationError where it cannot be read."""
    try:
        values = {name: _READ[name](value) for name, value in stored.items()}
        return State.of({**_DEFAULTS, **values, "engine": ENGINE_VERSION})
    except (LookupError, TypeError, ValueError):  # a question is open, or it is not as `kept` writes it
        return STATE.validate_python({**stored, "engine": ENGINE_VERSION})


def _one_of(*values: str) -> Callable[[Any], str]:
    return {one: one for one in values}.__getitem__


def _of_type(kind: type[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return read


def _deadlines(kept: Sequence[Mapping[str, Any]]) -> tuple[Deadline, ...]:
    return tuple(Deadline(at=_instant(one["at"]), transition=_number(one["transition"])) for one in kept)


_text, _number, _instant = _of_type(str), _of_type(int), datetime.fromisoformat

_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("customer", "enrollment", "reason", "stage", "position"), _text),
    **dict.fromkeys(("cursor", "number", "visit", "strides", "engine"), _number),
    **dict.fromkeys(("entered_at", "since", "until", "due", "clock", "horizon", "turn"), _instant),
    **dict.fromkeys(("hears_from", "waits_from"), _instant),
    "phase": _one_of("new", "live", "ended"),
    "mode": _one_of("run", "wait", "rest"),
    "awaits": _one_of("address"),
    "deadlines": _deadlines,
    "paused": _of_type(bool),
}
"""How what a row keeps of a state is read, by field: the general way's instants take ten times as long to compare."""

_DEFAULTS: Mapping[str, Any] = {one.name: one.default for one in fields(State) if one.default is not MISSING}


def checksum(state: State) -> str:
    """Tells a state from another that an enrollment might have reached: 8 hexadecimal digits."""
    return hashlib.blake2b(STATE.dump_json(state, exclude_defaults=True), digest_size=4).hexdigest()
