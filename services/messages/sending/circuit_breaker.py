"""The channel's circuit breaker: when a provider refuses us or fails, every lane waits, and somebody is told.

    open ── the key is refused ──────────────→ closed for a minute, with an alarm
    open ── five failures in a row ──────────→ closed for 5 s, with an alarm
    open ── "slower, please" ────────────────→ closed for as long as the provider says, without an alarm
    closed ── its time is over ──────────────→ one mail is tried: accepted, the channel is open again; failed, it is
                                               closed for twice as long as before, 5 min at most

The row is shared by all lanes and workers. It is kept in the transaction that records what became of the mails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlmodel import Session

from store.queries.sending import channels
from store.tables.messages import Channel

FAILURES = 5
"""In a row, and the channel closes: each may have made a mail `unknown`, so they are few; one alone is chance."""

FIRST, LONGEST = timedelta(seconds=5), timedelta(minutes=5)
"""How long it closes after failures: 5 s, then twice as long each time the one mail that tries fails, and 5 minutes at
most. Longer, a provider that is back would wait for us; a mail that tries may become `unknown`, so they are few."""

REFUSED = timedelta(minutes=1)
"""How long it closes where the key is refused: a person has to act, and a minute after they did mail goes."""

Heard = Literal["well", "busy", "failed", "refused", "nothing"]
"""What an attempt says of the channel, whatever it says of the mail."""

log = structlog.get_logger("waypost.channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """One attempt: what it says of the channel, for how long, and why."""

    heard: Heard
    wait: timedelta = timedelta()
    why: str = ""


def free_capacity(session: Session, name: str, wanted: int, now: datetime) -> int:
    """How many mails may be handed over now: none while the channel is closed, one after failures."""
    row = session.get(Channel, name)
    if row is None:
        return wanted
    if row.closed_until is not None and now < row.closed_until:
        return 0
    return min(wanted, 1) if row.failures >= FAILURES else wanted


def record(session: Session, name: str, said: Sequence[ChannelReport], now: datetime) -> None:
    """Keep what a batch of attempts says of the channel, whose row is held until the transaction ends.

    Where one went well, the channel is well, and what the others say counts anew.
    """
    row = channels.locked(session, name) or Channel(name=name, updated_at=now)
    before = (row.alarm, row.closed_until, row.failures)
    if any(one.heard == "well" for one in said):
        row.failures, row.alarm, row.closed_until = 0, None, None
    for one in said:
        _hear(row, one, now)
    if (row.alarm, row.closed_until, row.failures) != before:
        row.updated_at = now
        session.add(row)
        if row.alarm != before[0]:
            log.warning("channel", channel=name, alarm=row.alarm, closed_until=str(row.closed_until))


def _hear(row: Channel, one: ChannelReport, now: datetime) -> None:
    match one.heard:
        case "refused":
            row.failures, row.alarm = max(row.failures, FAILURES), one.why
            _close(row, now + REFUSED)
        case "busy":
            _close(row, now + one.wait)
        case "failed" if row.closed_until is not None and now < row.closed_until:
            pass  # a call that was under way when it closed: it tells nothing new, and is nobody's try
        case "failed":
            row.failures += 1
            if row.failures >= FAILURES:
                times = min(row.failures - FAILURES, 10)
                row.alarm = f"{row.failures} attempts in a row failed; the last: {one.why}"
                _close(row, now + min(LONGEST, FIRST * 2**times))
        case "well" | "nothing":
            pass


def _close(row: Channel, until: datetime) -> None:
    row.closed_until = max(row.closed_until or until, until)
