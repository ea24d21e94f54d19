"""Names and shapes of the activities. Nothing here is personal: ids, instants, names of steps and events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from journeys.machine.commands import Ask, Decide, Plan, Settle
from journeys.machine.inputs import Facts, Interrupted, Planned, Settled

# Histories keep these names, so they never change.
ASK = "ask"
"""What is known of the customer (`activities.wake`)."""

PLAN = "plan"
"""Whether a mail may go (`activities.wake`)."""

SETTLE = "settle"
"""Where an enrollment stands, and what it waits for (`activities.wake`)."""

DELIVER = "deliver"
"""A shift of a lane (`activities.delivery.shift`)."""

SWEEP = "sweep"
"""A schedule that comes round (`activities.sweep`)."""

OPERATE = "operate"
"""Long work that somebody asked for (`activities.operations`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBatch:
    """Decisions to record, and the one question to answer.

    `now` is the workflow's time. With `fence` (the cursor) nothing happens while events above it wait; with `gate`
    nothing happens while the journey is paused.
    """

    enrollment: str
    now: datetime
    records: tuple[Decide, ...]
    question: Annotated[Ask | Plan | Settle, Field(discriminator="kind")]
    fence: int | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One time at which a schedule lets the members of a segment in; `name` tells it from all others.

    `digest` is that of the program, `trigger` the name of the schedule in it.
    """

    digest: str
    trigger: str
    name: str


Reply = Annotated[Facts | Planned | Settled | Interrupted, Field(discriminator="kind")]
"""What an activity answers a Call with: what the core asked for, or that something came between."""
