"""The fence of a restored copy: it cannot know what went between the backup and the restore, so it sends none of it.

    in the copy    claimed, sending, or due by the restore                 unknown, when it is restored
    made later     a journey's mail that was due by the restore            unknown, when a lane would claim it
                   a mail of a broadcast that had begun by the restore     the same
                   a mail of somebody whose event of the lost time was     the same, where it would have been due by
                   said again after the restore                            the restore had nobody had to repeat it

Ids of mails are made of enrollment, step and visit, so whatever the copy makes again has the id that the provider may
know already. Unknown mails wait for evidence like any other (`sending_ledger`), and nobody just sends them.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from store.queries.enrollment import decisions
from store.queries.listing import exports
from store.queries.mails import messages
from store.queries.sending import restores
from store.queries.sending.restores import LostTime
from store.statuses import MessageStatus
from store.tables.broadcasts import Broadcast
from store.tables.messages import Message

PAGE = 1_000
"""Mails of one transaction."""

REASON = "restored"
"""Why such a mail is unknown."""


def begin(session: Session, taken_at: datetime, now: datetime) -> None:
    """Keep that this database is a copy of `taken_at` that is restored now. Raise ValueError for a time to come."""
    if taken_at > now:
        raise ValueError("a backup is taken before it is restored")
    restores.add(session, taken_at, now)
    exports.jump(session)


def doubt_page(session: Session, restored_at: datetime) -> int:
    """Make a page of what may have gone since the copy was taken unknown; return how many there were."""
    found = restores.perhaps_sent(session, restored_at, PAGE)
    for message in found:
        if message.status in (MessageStatus.CLAIMED, MessageStatus.DEFERRED):  # as the next owner, or wake, would do
            messages.change(session, message, MessageStatus.PLANNED, restored_at)
        doubt(session, message, restored_at)
    return len(found)


def doubt(session: Session, message: Message, now: datetime) -> None:
    """A mail that may have gone by an attempt of which this ledger has no row is unknown: evidence is sought."""
    message.attempt = max(message.attempt, 1)
    messages.change(session, message, MessageStatus.UNKNOWN, now, reason=REASON)
    detail = {"message": message.id, "template": message.template, "reason": REASON}
    decisions.note(session, message, MessageStatus.UNKNOWN, detail, now)


def may_have_gone(
    message: Message, broadcast: Broadcast | None, lost: LostTime | None, late: timedelta = timedelta()
) -> bool:
    """Whether a mail that is to be claimed was made after a restore and may have gone before it.

    `late` is how long after they had happened its customer's events of the lost time were said again
    (`restores.said_again`): so much earlier their mails were due the first time. One that was doubted has an attempt:
    evidence has let it go. What the copy brought with it was planned by the instant of which it is; no clock is so far
    off that it takes what was made after the restore for that.
    """
    if lost is None or message.attempt or message.planned_at <= lost.taken_at:
        return False
    began = broadcast.start_at if broadcast is not None else None
    return message.due - late <= lost.restored_at or (began is not None and began <= lost.restored_at)
