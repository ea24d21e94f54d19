"""What mails brought: counts that are kept by kind of mail and by the day on which a provider accepted it.

A mail counts on its own day whatever comes of it later, so that every share is one of the same mails. A transaction
collects what it changes and writes it at its end, in the order of the keys.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import sqlalchemy
from sqlmodel import Session, col, delete, func, select

from store import bulk, dialect
from store.queries.figures import series
from store.session import collection_of
from store.statuses import MessageStatus
from store.tables.mail_results import MailKind, MailResult
from store.tables.messages import Message

SENT, DELIVERED, OPENED, OPENED_BY_MACHINES = "sent", "delivered", "opened", "opened_by_machines"
CLICKED, UNSUBSCRIBED, COMPLAINED, CONVERTED = "clicked", "unsubscribed", "complained", "converted"
COUNTED = (SENT, DELIVERED, OPENED, OPENED_BY_MACHINES, CLICKED, UNSUBSCRIBED, COMPLAINED, CONVERTED)
"""What is counted of mails, each once a mail."""

REVENUE = "revenue_"
"""Before the name of a model (`value.attribution`): what it credits mails with."""

ORDERS, ORDERED, CREDITED, WITHOUT_AMOUNT = "orders", "ordered", "credited", "without_amount"
"""Of the empty kind: orders that stand, what they are worth, how much of that mails are credited with; and orders of
which nobody could read an amount."""

NO_KIND = ""
"""The kind of what is counted of orders, and of no mail."""

EVER = ""
"""The day that holds all days."""

MONTH = len("2026-03")
"""Characters of a day that name its month, which holds all its days: so a year is twelve of them, and not 365."""

SHARDS = 8
"""So many transactions can write one count at once, where the database has more than one writer."""

_KEYS = ("day", "kind", "what", "currency", "shard")


class CountedMail(Protocol):
    """By what a mail is counted."""

    @property
    def journey(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def broadcast(self) -> str | None: ...
    @property
    def template(self) -> str: ...
    @property
    def variant(self) -> str | None: ...
    @property
    def locale(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...


class KindOfMail(NamedTuple):
    """What mails of a kind have in common."""

    journey: str
    stage: str
    step: str
    broadcast: str
    template: str
    variant: str
    locale: str
    source: str

    @property
    def id(self) -> str:
        """The same for ever, so that nobody has to look it up; also of mails from before there were sources."""
        named = self if self.source else self[:-1]
        return hashlib.blake2b("\0".join(named).encode(), digest_size=10).hexdigest()


def kind_of(mail: CountedMail) -> KindOfMail:
    """The kind of a mail."""
    return KindOfMail(
        mail.journey,
        mail.stage,
        mail.step,
        mail.broadcast or "",
        mail.template,
        mail.variant or "",
        mail.locale or "",
        mail.source or "",
    )


class ResultTally:
    """What a transaction changes about what mails brought."""

    def __init__(self) -> None:
        self._kinds: dict[str, KindOfMail] = {}
        self._counts: Counter[tuple[str, datetime, str, str]] = Counter()
        self._gone: Counter[tuple[str, datetime, str, str]] = Counter()

    def happened(self, mail: CountedMail, accepted_at: datetime, what: str, by: int = 1) -> None:
        """Something of COUNTED came of a mail for the first time; `by` is -1 where that is taken back."""
        self._counts[self.know(mail), accepted_at, what, ""] += by

    def know(self, mail: CountedMail) -> str:
        """The id of a mail's kind, which is kept."""
        kind = kind_of(mail)
        self._kinds[kind.id] = kind
        return kind.id

    def add(self, kind: str, at: datetime, what: str, by: int, currency: str = "") -> None:
        """So much more of a kind that is known, on the day of an instant."""
        self._counts[kind, at, what, currency] += by

    def leave(self, kind: str, at: datetime, what: str, by: int, currency: str = "") -> None:
        """So much of it is on no row any more: its customer was erased. It counts for ever."""
        self._gone[kind, at, what, currency] += by

    def write(self, session: Session) -> None:
        """Add what was collected, and begin anew."""
        if not self._counts and not self._gone:
            return
        zone = series.zone_of(session)
        shard = 0 if dialect.of(session).one_writer else random.randrange(SHARDS)
        found: Counter[tuple[str, str, str, str, int]] = Counter()
        gone: Counter[tuple[str, str, str, str, int]] = Counter()
        for counts, into in ((self._counts, found), (self._gone, gone)):
            for (kind, at, what, currency), count in counts.items():
                day = series.day_of(at, zone)
                for span in spans_with(day):
                    into[span, kind, what, currency, shard] += count
        if self._kinds:
            rows = [{"id": name, **kind._asdict()} for name, kind in sorted(self._kinds.items())]
            bulk.add_missing(session, MailKind, rows)
        changed = {key: (found[key], gone[key]) for key in {*found, *gone}}
        bulk.increment(session, MailResult, changed, _KEYS, ("count", "gone"))
        self._kinds.clear()
        self._counts.clear()
        self._gone.clear()


def tally(session: Session) -> ResultTally:
    """What this transaction changes; it is written before the commit."""
    return collection_of(session, ResultTally)


def count_sent(session: Session, mail: CountedMail, before: str, after: str, at: datetime) -> None:
    """A mail has another status: where a provider has taken it by that, at `at`, it was sent."""
    if after == MessageStatus.ACCEPTED and before != MessageStatus.ACCEPTED:
        tally(session).happened(mail, at, SENT)


def leave_sent(session: Session, mail: Message) -> None:
    """The row of a mail goes with its customer; one that was sent counts for ever."""
    if mail.status == MessageStatus.ACCEPTED:
        counts = tally(session)
        counts.leave(counts.know(mail), mail.accepted_at or mail.updated_at, SENT, 1)


_WHAT: Any = (MailResult.what, MailResult.currency)
"""What a count says, beside whose it is."""

ResultOfKind = tuple[KindOfMail, str, str, int]
"""A kind of mail, what came of it, in which currency, and how much."""


def of_mails(
    session: Session, since: date | None, until: date | None, journey: str | None = None, broadcast: str | None = None
) -> Iterator[ResultOfKind]:
    """What came of the mails that were accepted from one day to another (None: ever), of a journey or broadcast."""
    kind = (getattr(MailKind, name) for name in KindOfMail._fields)
    query: Any = sqlalchemy.select(*kind, *_WHAT, func.sum(MailResult.count))
    query = query.join(MailKind, col(MailKind.id) == MailResult.kind)
    query = query.where(*_days(since, until))
    if journey is not None:
        query = query.where(MailKind.journey == journey)
    if broadcast is not None:
        query = query.where(MailKind.broadcast == broadcast)
    rows: Any = session.connection().execute(query.group_by(MailKind.id, *_WHAT))
    for *names, what, currency, count in rows:
        yield KindOfMail(*names), what, currency, int(count)


def of_orders(session: Session, since: date | None, until: date | None) -> dict[tuple[str, str], int]:
    """What is counted of the orders of some days (None: ever), by what it is and currency."""
    query: Any = sqlalchemy.select(*_WHAT, func.sum(MailResult.count))
    query = query.where(MailResult.kind == NO_KIND, *_days(since, until))
    rows: Any = session.connection().execute(query.group_by(*_WHAT))
    return {(what, currency): int(count) for what, currency, count in rows}


MoneyOfDay = tuple[KindOfMail | str, str, str, str, int]
"""A kind of mail (NO_KIND: orders), the day, what it is, in which currency, and how many of its smallest units."""

_IS_MONEY: Any = sqlalchemy.text("mail_result.currency <> ''")
"""As text, so that the database knows which partial index fits."""

_FIRST, _LAST = "0001-01-01", "9999-12-31"
"""Every day lies between them."""


def money_by_day(
    session: Session, since: date | None, until: date | None, journey: str | None, broadcast: str | None
) -> Iterator[MoneyOfDay]:
    """The amounts of some days (None: of all), day by day: of mails as `of_mails` has them, and of all orders."""
    first, last = (since.isoformat() if since else _FIRST), (until.isoformat() if until else _LAST)
    keys: Any = (MailResult.kind, *(getattr(MailKind, name) for name in KindOfMail._fields), MailResult.day, *_WHAT)
    query: Any = sqlalchemy.select(*keys, func.sum(MailResult.count))
    query = query.outerjoin(MailKind, col(MailKind.id) == MailResult.kind)
    query = query.where(_IS_MONEY, MailResult.day >= first, MailResult.day <= last)
    query = query.where(func.length(MailResult.day) == len(_FIRST))
    for column, wanted in ((MailKind.journey, journey), (MailKind.broadcast, broadcast)):
        if wanted is not None:
            query = query.where(sqlalchemy.or_(col(column) == wanted, col(MailResult.kind) == NO_KIND))
    rows: Any = session.connection().execute(query.group_by(*keys))
    for name, *names, day, what, currency, count in rows:
        yield KindOfMail(*names) if name != NO_KIND else NO_KIND, day, what, currency, int(count)


def sums(session: Session) -> dict[tuple[str, str], tuple[int, int]]:
    """Of all mails and orders ever: how much there is, and how much of it is gone, by what it is and currency."""
    query: Any = sqlalchemy.select(*_WHAT, func.sum(MailResult.count), func.sum(MailResult.gone))
    query = query.where(MailResult.day == EVER).group_by(*_WHAT)
    rows: Any = session.connection().execute(query)
    return {(what, currency): (int(count), int(gone)) for what, currency, count, gone in rows}


def _days(since: date | None, until: date | None) -> tuple[Any, ...]:
    """The rows that hold these days: of all time, of each month that is whole, and of the other days."""
    if since is None or until is None:
        return (MailResult.day == EVER,)
    return (col(MailResult.day).in_(spans_of(since, until)),)


def spans_with(day: str) -> tuple[str, str, str]:
    """All that hold a day, as they are kept: the day itself, its month, and all days."""
    return day, day[:MONTH], EVER


def spans_of(since: date, until: date) -> list[str]:
    """Days as they are kept: each month that lies between the two (both included) as a whole, and the other days."""
    found, day = list[str](), since
    while day <= until:
        after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if day.day == 1 and after - timedelta(days=1) <= until:
            found.append(day.isoformat()[:MONTH])
            day = after
        else:
            found.append(day.isoformat())
            day += timedelta(days=1)
    return found


def close(session: Session, today: str, limit: int) -> int:
    """Fold so many rows of days before `today` into shard 0; return how many there were (see `series.close`)."""
    key: Any = tuple(getattr(MailResult, name) for name in _KEYS)
    is_open = (col(MailResult.shard) > 0, MailResult.day != EVER, MailResult.day < today)
    found = session.exec(select(*key).where(*is_open).limit(limit)).all()
    folded: dict[tuple[Any, ...], Counter[str]] = {}
    for names in sorted(found):
        here = (column == value for column, value in zip(key, names, strict=True))
        rows: Any = session.connection().execute(
            delete(MailResult).where(*here).returning(col(MailResult.count), col(MailResult.gone))
        )
        into = folded.setdefault((*names[:-1], 0), Counter())
        for count, gone in rows:
            into.update({"count": count, "gone": gone})
    changed = {one: (sums["count"], sums["gone"]) for one, sums in folded.items()}
    bulk.increment(session, MailResult, changed, _KEYS, ("count", "gone"))
    return len(found)
