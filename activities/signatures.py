"""Names and shapes of the activities. Nothing here is personal: ids, instants, names of steps and events."""

from dataclasses import dataclass
from datetime import datetime

# Histories keep these names, so they never change.
PROGRAM = "program"
"""The program of an enrollment that was moved to another version (`activities.wake`)."""

WAKE = "wake"
"""What is due of an enrollment, worked off (`activities.wake`)."""

DELIVER = "deliver"
"""A shift of a lane (`activities.delivery.shift`)."""

SWEEP = "sweep"
"""A schedule that comes round (`activities.sweep`)."""

OPERATE = "operate"
"""Long work that somebody asked for (`activities.operations`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Work off what is due of an enrollment at `now`, the workflow's time, as its wake of this number.

    `astray` says that the workflow arrived at another state than its last wake did.
    """

    enrollment: str
    number: int
    now: datetime
    astray: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One time at which a schedule lets the members of a segment in; `name` tells it from all others."""

    digest: str
    trigger: str
    name: str
