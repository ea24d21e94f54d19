"""What can happen to an enrollment. Each input carries its instant (UTC); answers carry the number they answer.

`seq` counts the customer's events. Whatever an input leads to sees the customer just behind that event.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from journeys.language.words import Late

Halting = Literal["journey", "stage"]
"""What is paused as a whole, and each enrollment in it with it."""

Awaited = Literal["address"]
"""What of the customer's a mail waits for, until it is planned again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The enrollment starts."""

    at: datetime
    kind: Literal["begin"] = "begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventArrived:
    """The customer did something, as their event of the number `seq`."""

    at: datetime
    seq: int
    name: str
    kind: Literal["event"] = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Woke:
    """The deadline at `at` has come; `seq` is the customer's last event by then."""

    at: datetime
    seq: int = 0
    kind: Literal["woke"] = "woke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """The customer has an address from `at` on, which a mail waits for; `seq` is the customer's last event by then."""

    at: datetime
    seq: int = 0
    kind: Literal["addressed"] = "addressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """By a person, or because the whole journey or stage is paused."""

    at: datetime
    by: Literal["person"] | Halting = "person"
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """By whoever paused it. What came due meanwhile is due at `at`.

    `late` is what is to become of the mail that is overdue (None: what its step says); whoever plans it goes by that.
    """

    at: datetime
    late: Late | None = None
    kind: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Go on behind the step that is waited in; `seq` is the customer's last event by then."""

    at: datetime
    seq: int = 0
    kind: Literal["skip"] = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Go to a stage, at one of its steps where `step` names one; `seq` is the customer's last event by then."""

    at: datetime
    stage: str
    step: str | None = None
    seq: int = 0
    kind: Literal["move"] = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the enrollment, for a reason from outside the journey."""

    at: datetime
    reason: str
    kind: Literal["leave"] = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The customer was merged into another: from now on the events are counted as that one's are."""

    at: datetime
    seq: int
    kind: Literal["merged"] = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The enrollment was moved to another version of its journey, where its state stands already."""

    at: datetime
    kind: Literal["migrated"] = "migrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Answers `Ask`: a verdict per guard, the last instant per event, and the instant a wait ends.

    `unknown` is why a wait's date cannot be told: a key of `rules.answers.UNKNOWN`.
    """

    number: int
    holds: tuple[bool, ...] = ()
    last: tuple[datetime | None, ...] = ()
    until: datetime | None = None
    unknown: str | None = None
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Answers `Plan`. A deferred mail is planned again at `until`, as due since `due` (None: since then).

    One that `awaits` the customer's address is planned again as soon as there is one.
    """

    number: int
    at: datetime
    outcome: Literal["planned", "deferred", "skipped"]
    until: datetime | None = None
    due: datetime | None = None
    awaits: Awaited | None = None
    kind: Literal["planned"] = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Answers `Assign`.

    `why` this variant: the customer is `new` to the split, or it is `remembered`, or the split is decided and this is
    its `winner`; or the one remembered is `gone`, and there is no other for them.
    """

    number: int
    variant: str
    why: Literal["new", "remembered", "winner", "gone"] = "new"
    kind: Literal["assigned"] = "assigned"


Answer = Facts | Planned | Assigned
Control = Pause | Resume | Skip | Move | Leave
Input = Annotated[Begin | EventArrived | Woke | Addressed | Control | Merged | Migrated, Field(discriminator="kind")]
