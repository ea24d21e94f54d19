"""What becomes of one enrollment under another version, as data; and what the author chose about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.commands import NOTHING_SENT, SendVisit
from journeys.machine.state import State
from journeys.program.nodes import NodeId
from journeys.rules.split_answers import NO_SPLITS, KnownSplits

Kind = Literal[
    "stays", "retimed", "moves", "rests", "stranded", "mails_again", "mails_at_once", "would_leave", "pinned",
    "unsettled", "ended",
]  # fmt: skip
"""One of them for each enrollment.

stays           the same step, acting at the same instant
retimed         the same step, acting at another instant
moves           another step, or the same one in a stage of another name
rests           its stage is there, and has no step left for it
stranded        its stage is gone, and nothing says where to go instead: it keeps its version
mails_again     a step ahead, which the old version has not, would send what was sent already
mails_at_once   a mail goes as soon as it is moved, since a wait before it is over or gone
would_leave     a transition or the end of the journey is due as soon as it is moved
pinned          the author leaves everybody on their version
unsettled       it is about to act, or a mail of it is on its way: it is tried again at its next turn
ended           it is over
"""

DANGEROUS: frozenset[Kind] = frozenset({"stranded", "mails_again", "mails_at_once", "would_leave"})
"""Kinds that an author must have seen before they happen."""

KEEPS: frozenset[Kind] = frozenset({"stranded", "pinned", "unsettled", "ended"})
"""Kinds that keep their version and their place."""

By = Literal["id", "place", "map", "skip_forward", "stage_start"]
"""How a step was found: by its id, by its place between the same neighbours, by the author's map, as the next one that
is left, or as the first of a stage that the author named."""

SOON = timedelta(hours=1)
"""What a change makes due within this time is spread, so that nobody's mails come as a herd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the author decides about everybody who is under way.

    `on_change` is what a wait of another length does: `keep` its end, `rest` (the new length counts from where it
    began) or `restart` it. `again` is what happens to a mail that would go a second time. `spread` is the time over
    which those who become due within SOON are spread.
    """

    in_flight: Literal["pin", "move"] = "move"
    on_change: Literal["keep", "rest", "restart"] = "rest"
    again: Literal["skip", "send"] = "skip"
    spread: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail that an enrollment was sent, or will be: by which step, of which template, and when."""

    step: str
    template: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One enrollment as it stands: its state, its customer, their splits, its mails; `on_its_way`: one is claimed.

    `in_ledger` are the sends of this visit whose fate is in the ledger: none of them makes another mail in it.
    """

    state: State
    known: CustomerFacts
    enrollment: EnrollmentFacts
    sent: tuple[SentMail, ...] = ()
    on_its_way: bool = False
    splits: KnownSplits = NO_SPLITS
    in_ledger: frozenset[SendVisit] = NOTHING_SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlace:
    """A stage, and the step in it; None where somebody rests."""

    stage: str
    step: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOutcome:
    """What becomes of an enrollment: its kind, and what that kind tells.

    `acts` is when it acts by itself, before and after. `mails` are the templates that go as soon as it is moved.
    `state` is where it stands once it was moved, None where it keeps its version. `repeats` are the steps ahead that
    would send again what was sent, with the mail each repeats.
    """

    kind: Kind
    was: JourneyPlace
    to: JourneyPlace
    by: By | None = None
    acts: tuple[datetime | None, datetime | None] = (None, None)
    template: str | None = None
    sent_at: datetime | None = None
    reason: str | None = None
    mails: tuple[str, ...] = ()
    state: State | None = None
    repeats: Mapping[NodeId, SentMail] = field(default_factory=dict[NodeId, SentMail])

    @property
    def change(self) -> "AlikeOutcomes":
        """What it has in common with others."""
        return AlikeOutcomes(
            kind=self.kind,
            was=self.was,
            to=self.to,
            template=self.template,
            reason=self.reason,
            repeats=next(iter(self.repeats), None),
            mails=self.mails if self.kind == "mails_again" else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeOutcomes:
    """What becomes of all those whose outcomes are alike; `repeats` is the first step that would send again.

    `mails` are the templates that go at once beside what the kind tells.
    """

    kind: Kind
    was: JourneyPlace
    to: JourneyPlace
    template: str | None = None
    reason: str | None = None
    repeats: str | None = None
    mails: tuple[str, ...] = ()
