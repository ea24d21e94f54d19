"""One verdict about many mails of which nobody can tell whether they went."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.errors import Refused
from services.messages.waiting import resolving
from services.messages.waiting.resolving import Resolution
from services.operations import operations
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork, add_counts
from services.values import Clock, instant
from store.queries.mails import unsure_messages
from store.queries.mails.unsure_messages import UnsureFilter
from store.session import Database
from store.statuses import MessageStatus
from store.tables.access import Operation

PAGE = 100
"""Mails in one transaction: a claim's worth, so that no lane waits for longer than for another lane."""


KIND = "decide messages"
"""What the operation is called."""


def start(
    session: Session, wanted: UnsureFilter, verdict: Resolution, counted: int, by: str, now: datetime
) -> Operation:
    """Ask for a verdict about all that are `wanted`; `counted` is how many whoever asks was told of.

    Raise Refused where there are more or fewer by now, or none.
    """
    count = unsure_messages.count(session, wanted)
    if count == counted == 0:
        raise Refused("there are no such messages")
    if count != counted:
        raise Refused(f"there are {count} such messages now, not {counted}; count them again, and give that number")
    picked = {
        "journey": wanted.journey,
        "broadcast": wanted.broadcast,
        "template": wanted.template,
        "status": wanted.status,
        "reason": wanted.reason,
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": (wanted.until or now).isoformat(),
    }
    request: dict[str, Any] = {"as": verdict, "of": {name: value for name, value in picked.items() if value}}
    return operations.start(session, KIND, request, now, by=by, total=count)


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A page of them at a time, in the order of their ids; what became unsure after it was asked for is left out."""
    while True:
        yield ItemPage(
            items=lambda session: _unsure(session, operation),
            do=lambda session, ids: _decide(session, operation, ids, clock()),
            fail=lambda session, one, error: one_failed(session, operation, one, error),
        )


def _unsure(session: Session, operation: Operation) -> Sequence[str]:
    current = session.get(Operation, operation.id) or operation
    return unsure_messages.ids(session, _filter(operation), current.cursor or "", PAGE)


def _decide(session: Session, operation: Operation, ids: Sequence[str], now: datetime) -> Done:
    current = session.get(Operation, operation.id) or operation
    by = f"key {operation.asked_by}"
    decided = resolving.decide_some(session, ids, operation.request["as"], by, now)
    return Done(count=len(ids), cursor=ids[-1], result=add_counts(current, {"decided": decided}))


def _filter(operation: Operation) -> UnsureFilter:
    of = dict(operation.request["of"])
    status = MessageStatus(of.pop("status")) if "status" in of else None
    times = {name: instant(of.pop(name), name) for name in ("since", "until") if name in of}
    return UnsureFilter(status=status, **times, **of)
