"""Whether the books balance, by journey and broadcast, and each difference by its name.

For each journey, entered = live + ended; for each journey and broadcast, planned = accepted + failed + skipped +
waiting + unknown + parked.

The books are kept counts, which are read in a moment, in the same number of statements however many journeys there are.
Counts that are kept agree with each other where every writer keeps all of them; that they agree with the rows is what a
*recount* proves, which reads an index of every enrollment and message. What is kept elsewhere (in Temporal, in the
ledger, in the series) a check compares (`services.reconciliation`); what the last one has left open stands here too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from services.attribution import checking
from services.reconciliation import reconciling
from store.queries.definitions import journeys as journey_rows
from store.queries.dispatching import dispatches
from store.queries.figures import counts, message_counts
from store.queries.figures.message_counts import StatusCount
from store.queries.mails import outbox
from store.queries.recounting import recounts
from store.queries.recounting.recounts import ByStatus
from store.queries.sending import hooks
from store.statuses import ON_THE_WAY, EnrollmentStatus, MessageStatus

OUTBOX = "outbox"
"""The provider's name of the local mail catcher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows counted anew."""

    enrollments: ByStatus = field(default_factory=dict[tuple[str, str], int])
    journeys: ByStatus = field(default_factory=dict[tuple[str, str], int])
    broadcasts: ByStatus = field(default_factory=dict[tuple[str, str], int])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The counts that are kept, of all journeys at once."""

    entered: Mapping[str, int]
    live: Mapping[str, int]
    ended: Mapping[str, Mapping[str, int]]
    erased: Mapping[str, Mapping[str, int]]
    dates: Mapping[str, Mapping[str, int]]


def reconcile(session: Session, journey: str | None = None, *, recount: bool = False) -> dict[str, Any]:
    """The books, of one journey or of everything; with `recount` they are compared with the rows themselves."""
    rows = _recounted(session) if recount else None
    books = message_counts.books(session)
    keys = sorted(one for one in journey_rows.keys(session) if journey in (None, one))
    kept = _Kept(
        entered=counts.entered(session),
        live=counts.live(session),
        ended=counts.labels(session, counts.ENDED),
        erased=counts.labels(session, counts.ERASED),
        dates=counts.labels(session, counts.DATE_UNKNOWN),
    )
    revenue = {"differences": checking.differences(session)} if recount else checking.last_check(session)
    journeys = [_journey(key, kept, [one for one in books if one.journey == key], rows) for key in keys]
    broadcasts = [] if journey is not None else _broadcasts(books, rows)
    last = reconciling.last_check(session)
    differ = any(one["differences"] for one in (*journeys, *broadcasts, revenue))
    return {
        "balanced": not differ and not reconciling.left_open(last),
        "recounted": recount,
        "journeys": journeys,
        "broadcasts": broadcasts,
        "revenue": revenue,
        "on_their_way": dispatches.by_kind(session),
        "stuck_dispatches": dispatches.stuck_by_kind(session),
        "stuck_hooks": hooks.stuck_by_step(session, journey),
        "outbox": _outbox(session),
        "last_check": last,
    }


def _recounted(session: Session) -> _Rows:
    return _Rows(
        enrollments=recounts.enrollments(session),
        journeys=recounts.messages_of_journeys(session),
        broadcasts=recounts.messages_of_broadcasts(session),
    )


def _journey(key: str, kept: _Kept, books: Iterable[StatusCount], rows: _Rows | None) -> dict[str, Any]:
    entered, live, ended = kept.entered.get(key, 0), kept.live.get(key, 0), kept.ended.get(key, {})
    erased = sum(kept.erased.get(key, {}).values())
    left, mails = sum(ended.values()), list(books)
    differences = {"entered_but_neither_live_nor_ended": entered - live - left}
    if rows is not None:
        live_rows, ended_rows = (rows.enrollments.get((key, status), 0) for status in EnrollmentStatus)
        differences |= {
            "live_counted_but_not_kept": live - live_rows,
            "ended_counted_but_not_kept": left - ended_rows - erased,
            **_not_kept(mails, key, rows.journeys),
        }
    return {
        "journey": key,
        "entered": entered,
        "live": live,
        "ended": ended,
        "erased": erased,
        "dates_unknown": kept.dates.get(key, {}),
        "messages": summed(mails),
        "differences": _named(differences),
    }


def _broadcasts(books: Iterable[StatusCount], rows: _Rows | None) -> list[dict[str, Any]]:
    """The mails of each broadcast by what became of them."""
    found: dict[str, list[StatusCount]] = {key: [] for key, _ in rows.broadcasts} if rows is not None else {}
    for one in books:
        if one.broadcast:
            found.setdefault(one.broadcast, []).append(one)
    return [
        {
            "broadcast": key,
            "messages": summed(mails),
            "differences": _named(_not_kept(mails, key, rows.broadcasts) if rows is not None else {}),
        }
        for key, mails in sorted(found.items())
    ]


def _not_kept(books: Iterable[StatusCount], key: str, rows: ByStatus) -> dict[str, int]:
    """By status: how many more messages are counted than there are rows, those of erased customers apart."""
    counted: Counter[str] = Counter()
    for one in books:
        counted[one.status] += one.count - one.gone
    return {
        f"{status}_messages_counted_but_not_kept": counted[status] - rows.get((key, status), 0)
        for status in MessageStatus
    }


def _named(differences: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in differences.items() if count}


def summed(books: Iterable[StatusCount]) -> dict[str, Any]:
    """Planned = accepted + failed + skipped + waiting + unknown + parked; those of erased customers among them."""
    found: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {MessageStatus.FAILED: Counter(), MessageStatus.SKIPPED: Counter()}
    for one in books:
        found[one.status] += one.count
        if one.status in reasons and one.count:
            reasons[one.status][one.reason] += one.count
    return {
        "planned": sum(found.values()),
        "accepted": found[MessageStatus.ACCEPTED],
        "failed": dict(reasons[MessageStatus.FAILED]),
        "skipped": dict(reasons[MessageStatus.SKIPPED]),
        "waiting": sum(found[status] for status in ON_THE_WAY),
        "unknown": found[MessageStatus.UNKNOWN],
        "parked": found[MessageStatus.PARKED],
    }


def _outbox(session: Session) -> dict[str, int] | None:
    """What the local outbox received, against what the ledger says it accepted; None where mail goes elsewhere."""
    received, twice = outbox.received(session)
    accepted = message_counts.accepted_by(session, OUTBOX)
    return {"received": received, "twice": twice, "accepted": accepted} if received or accepted else None
