"""The sending ledger and the dispatch table against what they speak of.

Mails and rows that belong to nobody, mails that went and are not called so. Whoever repairs one looks at it again
first, so a repair that comes again does nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from services.messages.deciding import withdrawing
from services.messages.sending import sending_ledger
from services.messages.waiting import restored_ledger
from services.reconciliation.differences import DifferenceKind
from store.queries.dispatching import dispatches
from store.queries.mails import messages
from store.queries.recounting import strays
from store.queries.recounting.strays import StrayMail
from store.statuses import MessageStatus

PAGE = 200
"""Mails that are found, and repaired, in one transaction."""

GRACE = timedelta(hours=1)
"""How long a mail may be unknown before a check says that it went: its lane asks for evidence every minute or so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCheck:
    """How mails of a kind are found, behind an id, and how one of them is repaired; None where a person has to look.

    A repair says whether there was something to repair still.
    """

    find: Callable[[Session, str, int], Sequence[StrayMail]]
    repair: Callable[[Session, str, datetime], bool] | None


def _withdraw(session: Session, message_id: str, now: datetime) -> bool:
    return withdrawing.withdraw(session, message_id, "exited", now)


def _accept(session: Session, message_id: str, now: datetime) -> bool:
    """What proves that it went is evidence like any other: for a mail that is unknown."""
    message = messages.locked(session, message_id)
    if message is None or message.status in (MessageStatus.SKIPPED, MessageStatus.FAILED):
        return False
    if message.status == MessageStatus.PARKED:
        messages.change(session, message, MessageStatus.ACCEPTED, now)
        message.accepted_at = message.accepted_at or now
        return True
    if message.status == MessageStatus.DEFERRED:
        messages.change(session, message, MessageStatus.PLANNED, now)
    if message.status == MessageStatus.PLANNED:
        restored_ledger.doubt(session, message, now)
    session.flush()
    sending_ledger.decide_unknown(session, message_id, "accepted", now)
    return message.status == MessageStatus.ACCEPTED


def mail_checks(now: datetime) -> Mapping[DifferenceKind, MailCheck]:
    """What is asked of the ledger."""
    went = partial(strays.mails_that_went, doubted=now - GRACE)
    return {
        DifferenceKind.MAIL_OF_NOBODY: MailCheck(find=strays.mails_of_nobody, repair=_withdraw),
        DifferenceKind.MAIL_WENT_UNRECORDED: MailCheck(find=went, repair=_accept),
        DifferenceKind.MAIL_NOT_CAUGHT: MailCheck(find=strays.mails_not_caught, repair=None),
    }


def drop_dispatches(session: Session, ids: Collection[int], now: datetime) -> int:
    """Take away rows that are on their way for nobody; return how many."""
    dispatches.remove_arrived(session, sorted(ids))
    return len(ids)
