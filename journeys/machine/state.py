"""Where one enrollment stands: everything `advance` needs, as data, with nothing personal in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from journeys.machine.inputs import Awaited, EventArrived

ENGINE_VERSION = 2
"""Kept in every state: where the meaning of a state changes, the next number tells the older ones.

1   a split gave its variant by a hash alone. A state that names no engine is of this one.
2   a split asks, since the variant is remembered with the customer
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The instant at which the transition with this index, counted in its stage, is due."""

    at: datetime
    transition: int


About = Literal["entry", "changed", "event", "deadline", "wait", "wait_for", "branch", "split", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """What has been asked and not answered: the command's number, and what the answer is for.

    What the answer chooses between is not kept: nothing changes while a question is open, so it is found again.
    """

    number: int
    about: About
    event: EventArrived | None = None
    deadline: Deadline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The whole state of an enrollment.

    An enrollment that has not begun may know already when it was entered; then it begins at that instant, however late
    its workflow starts.
    `mode` says what the position means: run that step next, waiting in it, or resting behind the last step.
    `turn` is the instant of the event or deadline that is worked off; events before the turn at which the stage was
    entered (`hears_from`) or the step's wait began (`waits_from`) happened to somebody who stood elsewhere, and fire
    nothing there. None hears everything: those that come while an enrollment starts are its first.
    `awaits` is what the mail waits for that the customer waits in, beside its hour.
    `cursor` is the number of the customer's last event that was worked off or passed over. `clock` is the instant up to
    which everything has been worked off; `horizon` the one of the last input: a late mail puts the clock past it.
    """

    customer: str
    enrollment: str
    cursor: int = 0
    number: int = 0
    phase: Literal["new", "live", "ended"] = "new"
    reason: str | None = None
    stage: str = ""
    visit: int = 0
    entered_at: datetime | None = None
    since: datetime | None = None
    mode: Literal["run", "wait", "rest"] = "rest"
    position: str | None = None
    until: datetime | None = None
    deadlines: tuple[Deadline, ...] = ()
    due: datetime | None = None
    awaits: Awaited | None = None
    clock: datetime | None = None
    horizon: datetime | None = None
    turn: datetime | None = None
    hears_from: datetime | None = None
    waits_from: datetime | None = None
    paused: bool = False
    strides: int = 0
    asking: OpenQuestion | None = None
    engine: int = 1

    @staticmethod
    def of(values: Mapping[str, Any]) -> "State":
        """The state of these values, as they are; raise KeyError where one of the fields has none."""
        made = object.__new__(State)
        for name, _, put in _SLOTS:
            put(made, values[name])
        return made

    def copy(self) -> "State":
        """The same state again, made ten times as fast as by `dataclasses.replace`."""
        twin = object.__new__(State)
        for _, get, put in _SLOTS:
            put(twin, get(self))
        return twin

    def changed(self, **changes: Any) -> "State":
        """The same state with other values, as fast."""
        twin = self.copy()
        for name, value in changes.items():
            object.__setattr__(twin, name, value)
        return twin

    @property
    def ended(self) -> bool:
        """Whether it is over, for whatever reason."""
        return self.phase == "ended"

    @property
    def wakes_at(self) -> datetime | None:
        """When this enrollment acts by itself, if nothing happens before (UTC)."""
        if self.phase == "ended" or self.paused:
            return None
        if self.mode == "run":
            return self.clock
        first = self.until if self.mode == "wait" else None
        for deadline in self.deadlines:
            if first is None or deadline.at < first:
                first = deadline.at
        return first


_SLOTS: Sequence[tuple[str, Callable[[State], Any], Callable[[State, Any], None]]] = [
    (field.name, vars(State)[field.name].__get__, vars(State)[field.name].__set__) for field in fields(State)
]
"""How each field is read and written by those who make a state: past its being frozen, and past a look for its name."""
