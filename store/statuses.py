"""The statuses of every kind of row that has a life, and what may follow what.

A table per kind says which statuses may follow which. It is held where a status is written: an attribute of a row that
is set to a status which may not follow raises `ImpossibleTransition`; a statement that changes many rows takes its
`where` from `before(status)`. The documentation's diagrams are drawn from these tables.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Dialect, String, event
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class MessageStatus(StrEnum):
    """One mail in the sending ledger."""

    PLANNED = "planned"
    """A lane may claim it when its time has come."""
    DEFERRED = "deferred"
    """Not yet; its enrollment plans it again at `not_before`."""
    SKIPPED = "skipped"
    """It does not go, for the reason beside it."""
    CLAIMED = "claimed"
    """The owner of a lane has it, and has not frozen it: certainly unsent."""
    SENDING = "sending"
    """Frozen, and handed over at once: from now on the provider may have it."""
    ACCEPTED = "accepted"
    """The provider has it."""
    FAILED = "failed"
    """Refused for good, or the template gave no mail, or a person gave it up."""
    UNKNOWN = "unknown"
    """Nobody can tell whether it went: it waits for evidence."""
    PARKED = "parked"
    """No evidence came: a person decides."""


class EnrollmentStatus(StrEnum):
    """One customer's run through a journey."""

    LIVE = "live"
    """Under way, waiting, or resting in a stage."""
    ENDED = "ended"
    """For the reason beside it."""


class BroadcastStatus(StrEnum):
    """One mail to many."""

    DRAFT = "draft"
    """It may be changed; nobody gets anything."""
    SCHEDULED = "scheduled"
    """It begins when its time comes, which may be now."""
    PLANNING = "planning"
    """An operation works out who gets it."""
    DECIDING = "deciding"
    """A sample has gone; the rest waits for the winner."""
    SENDING = "sending"
    """Everybody's mail is planned, and goes."""
    SENT = "sent"
    """No mail of it is on the way any more."""
    CANCELLED = "cancelled"
    """What had not gone by then never goes."""


class OperationStatus(StrEnum):
    """Long work that somebody asked for."""

    QUEUED = "queued"
    """It begins when a worker takes it."""
    RUNNING = "running"
    """A worker is at it; how far it is stands beside it."""
    DONE = "done"
    """Its result stands beside it."""
    FAILED = "failed"
    """It could not be done, for the error beside it."""
    CANCELLED = "cancelled"
    """Somebody stopped it; what was done stays done."""


class ControlStatus(StrEnum):
    """Something that was asked of an enrollment."""

    ASKED = "asked"
    """Its next wake does it, or refuses."""
    DONE = "done"
    """The enrollment was paused, went on, skipped its step, or ended."""
    REFUSED = "refused"
    """It was not possible where the enrollment stood; the reason stands beside it."""
    WITHDRAWN = "withdrawn"
    """Nobody did it in time, and whoever asked was told so."""


class HookStatus(StrEnum):
    """A webhook, or a note to a colleague."""

    PLANNED = "planned"
    """It is called when its time has come."""
    CALLING = "calling"
    """Claimed by the owner of the hooks, and perhaps with the receiver."""
    DELIVERED = "delivered"
    """The receiver took it."""
    FAILED = "failed"
    """Refused for good."""
    STUCK = "stuck"
    """It failed again and again, or what came of it cannot be recorded; it was set aside for a person."""
    CANCELLED = "cancelled"
    """Given up by a person, or withdrawn with its journey."""


class DispatchStatus(StrEnum):
    """A start or a signal on its way to Temporal; a row that has arrived is gone."""

    TO_WAKE = "to_wake"
    """The enrollment is waked first, ahead of its workflow; a poke at which everything is done then is gone."""
    READY = "ready"
    """It goes as soon as a dispatcher has leased it."""
    STUCK = "stuck"
    """It failed again and again the same way, and was set aside for a person."""


class ApprovalStatus(StrEnum):
    """A request that a draft be published."""

    OPEN = "open"
    """An approver decides."""
    CONFIRMED = "confirmed"
    """The draft was published as it was asked for, as the version beside it."""
    DECLINED = "declined"
    """An approver said no, for the reason beside it."""
    WITHDRAWN = "withdrawn"
    """Whoever asked took it back or asked anew, or a later draft was published."""


_Status = TypeVar("_Status", bound=StrEnum)

Transitions = Mapping[_Status, Collection[_Status]]
"""By status: those that may follow it."""

_M, _B, _O, _H = MessageStatus, BroadcastStatus, OperationStatus, HookStatus

MESSAGE: Transitions[MessageStatus] = {
    # accepted: a late answer proves that it went; failed: something unexpected is raised about it when it is claimed;
    # unknown: a copy was restored, and it may have gone since the copy was taken
    _M.PLANNED: (_M.DEFERRED, _M.SKIPPED, _M.CLAIMED, _M.ACCEPTED, _M.FAILED, _M.UNKNOWN),
    _M.DEFERRED: (_M.PLANNED, _M.SKIPPED),
    _M.SKIPPED: (),
    _M.CLAIMED: (_M.PLANNED, _M.SENDING, _M.FAILED),
    _M.SENDING: (_M.PLANNED, _M.ACCEPTED, _M.FAILED, _M.UNKNOWN),
    _M.UNKNOWN: (_M.PLANNED, _M.ACCEPTED, _M.FAILED, _M.PARKED),
    _M.PARKED: (_M.PLANNED, _M.ACCEPTED, _M.FAILED),
    _M.ACCEPTED: (),
    _M.FAILED: (),
}
"""What may follow what, of a mail."""

ENROLLMENT: Transitions[EnrollmentStatus] = {
    EnrollmentStatus.LIVE: (EnrollmentStatus.ENDED,),
    EnrollmentStatus.ENDED: (),
}
"""What may follow what, of an enrollment: an end is final, and another run is another enrollment."""

BROADCAST: Transitions[BroadcastStatus] = {
    _B.DRAFT: (_B.SCHEDULED,),
    _B.SCHEDULED: (_B.PLANNING, _B.CANCELLED),
    _B.PLANNING: (_B.DECIDING, _B.SENDING, _B.CANCELLED),
    _B.DECIDING: (_B.PLANNING, _B.CANCELLED),
    _B.SENDING: (_B.SENT, _B.CANCELLED),
    _B.SENT: (),
    _B.CANCELLED: (),
}
"""What may follow what, of a broadcast; a pause is no status, since it keeps the place."""

OPERATION: Transitions[OperationStatus] = {
    _O.QUEUED: (_O.RUNNING, _O.FAILED, _O.CANCELLED),
    _O.RUNNING: (_O.DONE, _O.FAILED, _O.CANCELLED),
    _O.DONE: (),
    _O.FAILED: (),
    _O.CANCELLED: (),
}
"""What may follow what, of an operation."""

HOOK: Transitions[HookStatus] = {
    _H.PLANNED: (_H.CALLING, _H.CANCELLED),
    _H.CALLING: (_H.PLANNED, _H.DELIVERED, _H.FAILED, _H.STUCK),
    _H.DELIVERED: (),
    _H.FAILED: (_H.PLANNED, _H.CANCELLED),
    _H.STUCK: (_H.PLANNED, _H.CANCELLED),
    _H.CANCELLED: (),
}
"""What may follow what, of a hook: a person may let one that failed go again, or give it up."""

CONTROL: Transitions[ControlStatus] = {
    ControlStatus.ASKED: (ControlStatus.DONE, ControlStatus.REFUSED, ControlStatus.WITHDRAWN),
    ControlStatus.DONE: (),
    ControlStatus.REFUSED: (),
    ControlStatus.WITHDRAWN: (ControlStatus.ASKED,),  # whoever was told so tries again
}
"""What may follow what, of something that was asked of an enrollment."""

DISPATCH: Transitions[DispatchStatus] = {
    DispatchStatus.TO_WAKE: (DispatchStatus.READY,),
    DispatchStatus.READY: (DispatchStatus.STUCK,),
    DispatchStatus.STUCK: (DispatchStatus.READY,),
}
"""What may follow what, of a dispatch row; one that arrived, or that a person gives up, is gone."""

APPROVAL: Transitions[ApprovalStatus] = {
    ApprovalStatus.OPEN: (ApprovalStatus.CONFIRMED, ApprovalStatus.DECLINED, ApprovalStatus.WITHDRAWN),
    ApprovalStatus.CONFIRMED: (),
    ApprovalStatus.DECLINED: (),
    ApprovalStatus.WITHDRAWN: (),
}
"""What may follow what, of a request: a decision is final, and whoever asks again makes another."""

TABLES: Mapping[type[StrEnum], Transitions[Any]] = {
    MessageStatus: MESSAGE,
    EnrollmentStatus: ENROLLMENT,
    BroadcastStatus: BROADCAST,
    OperationStatus: OPERATION,
    HookStatus: HOOK,
    ControlStatus: CONTROL,
    DispatchStatus: DISPATCH,
    ApprovalStatus: APPROVAL,
}
"""Every kind of status with its table, for `changed` and `before`, and for the diagrams."""

CLAIMABLE = (_M.PLANNED, _M.DEFERRED)
"""Messages that no lane has claimed: they can still be withdrawn."""
ON_THE_WAY = (*CLAIMABLE, _M.CLAIMED, _M.SENDING)
"""Messages that may still go by themselves."""
UNSURE = (_M.UNKNOWN, _M.PARKED)
"""Messages of which nobody can tell whether they went."""
COUNTED = (_M.CLAIMED, _M.SENDING, _M.ACCEPTED, *UNSURE)
"""Messages that count under a cap: they went, or may have gone."""

BROADCAST_ACTIVE = (_B.PLANNING, _B.SENDING, _B.DECIDING)
"""Broadcasts between their start and their end: they plan, send, or wait for a winner."""

BROADCAST_OPEN = (_B.DRAFT, _B.SCHEDULED, *BROADCAST_ACTIVE)
"""Broadcasts that may still send something."""

OPERATION_LIVE = (_O.QUEUED, _O.RUNNING)
"""Operations that a worker has yet to bring to their end."""


class ImpossibleTransition(ValueError):
    """A status was to follow one that it may not follow: a bug, never a customer's doing."""


def checked_transition(status: _Status, to: _Status) -> _Status:
    """`to`, where it may follow `status` (or is the same); else ImpossibleTransition."""
    if to != status and to not in TABLES[type(status)][status]:
        raise ImpossibleTransition(f"{type(status).__name__}: {to} may not follow {status}")
    return to


def predecessors(to: _Status) -> tuple[_Status, ...]:
    """The statuses that `to` may follow: the `where` of a compare-and-set."""
    return tuple(status for status, after in TABLES[type(to)].items() if to in after)


class _StatusType(TypeDecorator[StrEnum]):
    """A status as text in the database and as its enumeration here."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.kind(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.kind(value)


def status_column(kind: type[StrEnum], **options: Any) -> Any:
    """A column that keeps a status."""
    return Field(sa_type=_StatusType(kind), **options)


def enforce_transitions(table: type) -> None:
    """See to it that the `status` of this table's rows changes along its transitions alone.

    A row whose attribute is set otherwise raises ImpossibleTransition, there and then; statements look after
    themselves.
    """

    def check(_row: object, to: Any, status: Any, _initiator: object) -> Any:
        if isinstance(status, StrEnum):
            return checked_transition(status, type(status)(to))
        return to

    event.listen(getattr(table, "status"), "set", check, retval=True)  # noqa: B009
