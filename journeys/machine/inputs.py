"""What can happen to an enrollment. Each input carries its instant (UTC); answers carry the number they answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The enrollment starts."""

    at: datetime
    kind: Literal["begin"] = "begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventArrived:
    """The customer did something; `seq` counts the customer's events."""

    at: datetime
    seq: int
    name: str
    kind: Literal["event"] = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Woke:
    """Time has passed up to `at`."""

    at: datetime
    kind: Literal["woke"] = "woke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """By a person, or because the whole journey is paused."""

    at: datetime
    by: Literal["person", "journey"] = "person"
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on after a pause; what came due meanwhile is due now."""

    at: datetime
    kind: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Go on behind the step that is waited in."""

    at: datetime
    kind: Literal["skip"] = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the enrollment, for a reason from outside the journey."""

    at: datetime
    reason: str
    kind: Literal["leave"] = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Answers `Ask`: a verdict per guard, the last instant per event, and the instant a wait ends."""

    number: int
    holds: tuple[bool, ...] = ()
    last: tuple[datetime | None, ...] = ()
    until: datetime | None = None
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Answers `Plan`. A deferred mail is planned again at `until`."""

    number: int
    at: datetime
    outcome: Literal["planned", "deferred", "skipped"]
    until: datetime | None = None
    kind: Literal["planned"] = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Answers `Settle`: the events that came before what is waited for was known, and the cursor behind them."""

    number: int
    cursor: int
    events: tuple[EventArrived, ...] = ()
    kind: Literal["settled"] = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """No answer, and nothing was done: the shell forgets its input and takes these events, which came first.

    `parked` says that the journey is paused: the shell pauses the enrollment instead.
    """

    events: tuple[EventArrived, ...] = ()
    parked: bool = False
    kind: Literal["interrupted"] = "interrupted"


Answer = Facts | Planned | Settled
"""What answers a question."""

Control = Pause | Resume | Skip | Leave
"""What a person does to an enrollment."""

Input = Annotated[Begin | EventArrived | Woke | Control | Answer, Field(discriminator="kind")]
"""All that the core is fed with."""
