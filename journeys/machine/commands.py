"""What `advance` wants done: decisions to record, then at most one question whose answer it waits for.

Every command has a number, which counts up within the enrollment and names it in the ledger for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

DECISIONS: Mapping[str, str] = {
    "entered": "the customer entered the journey",
    "moved": "a transition or `go` led from one stage to another",
    "branched": "a branch took the arm named in the detail",
    "assigned": "a split gave the variant named in the detail",
    "held_out": "a split put the customer in the holdout: no mail from it",
    "variant_gone": "the customer's variant of a split is not there any more: they went on behind the split",
    "matched": "what a step waited for came, or was so already",
    "timed_out": "what a step waited for did not come in time",
    "date_unknown": "the date that a step waits for is missing or cannot be read, for the reason in the detail",
    "converted": "the customer reached the journey's goal",
    "called": "a webhook was put on its way",
    "notified": "a note to a colleague was put on its way",
    "enrolling": "a step started another journey, or could not, for the reason in the detail",
    "attributes_set": "a step changed attributes of the customer",
    "rearmed": "the customer had been active, so the inactivity deadline moved",
    "declined": "the guard of a deadline was false",
    "paused": "somebody paused the enrollment",
    "resumed": "somebody resumed the enrollment",
    "step_skipped": "somebody skipped the step that was waited in",
    "ended": "the enrollment ended, for the reason in the detail",
}
"""Every kind of decision that the core makes, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A decision to record: what (a key of DECISIONS), where, when and why."""

    number: int
    at: datetime
    what: str
    stage: str
    visit: int
    step: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    kind: Literal["decide"] = "decide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask for facts: guards by id (of `event` where given), last instants of events, the end of the wait in `until`.

    The facts are those at `at`, just behind the customer's event of the number `seq`: what came later is left out.
    """

    number: int
    at: datetime
    seq: int
    why: str
    stage: str
    visit: int
    step: str | None = None
    guards: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    until: str | None = None
    event: int | None = None
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Decide on the mail of a send step that was due at `due`; `seq` as in `Ask`.

    One that has waited for something of the customer's is asked about with the instant at which it is `ready`.
    """

    number: int
    at: datetime
    seq: int
    stage: str
    visit: int
    step: str
    due: datetime
    ready: datetime | None = None
    kind: Literal["plan"] = "plan"


SendVisit = tuple[str, int]
"""A send in a visit of its stage: its step's id, and the number of the visit. It is one mail for ever."""

NOTHING_SENT: frozenset[SendVisit] = frozenset()
"""What the ledger holds of somebody who was sent nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Ask which variant of the split `split` the customer gets, who may have one already."""

    number: int
    at: datetime
    stage: str
    visit: int
    step: str
    split: str
    customer: str
    kind: Literal["assign"] = "assign"


Question = Ask | Plan | Assign
Command = Annotated[Decide | Question, Field(discriminator="kind")]
"""All that the core asks of whoever drives it."""
