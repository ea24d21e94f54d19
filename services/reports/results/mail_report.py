"""What mails are worth: what came of each kind, which share that is, and what orders are credited to it.

Read from counts that are kept by kind of mail and day (`store.queries.figures.mail_results`). A share is one of the
mails that were sent; a mail counts on the day on which it was accepted, whatever comes of it later.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlmodel import Session

from services.attribution import rules
from services.definitions.journey_versions import journeys
from services.reports.measures import main_currency
from services.reports.measures.main_currency import MainCurrency
from services.reports.measures.periods import periods
from services.statistics import proportions
from services.statistics.proportions import Proportion
from store.queries.figures import mail_results, series
from store.queries.figures.mail_results import (
    COUNTED,
    CREDITED,
    ORDERED,
    ORDERS,
    REVENUE,
    SENT,
    WITHOUT_AMOUNT,
    KindOfMail,
)
from value import attribution, money

MailGrouping = Literal["mail", "journey", "stage", "step", "template", "variant", "locale", "broadcast", "source"]
"""How mails are put together; a mail is all of it."""

_BY: Mapping[MailGrouping, tuple[str, ...]] = {
    "mail": KindOfMail._fields,
    "journey": ("journey",),
    "stage": ("journey", "stage"),
    "step": ("journey", "stage", "step"),
    "template": ("template",),
    "variant": ("journey", "broadcast", "variant"),
    "locale": ("locale",),
    "broadcast": ("broadcast",),
    "source": ("source",),
}
"""What mails of a line have in common."""

SHARES = COUNTED[1:]
"""What is counted of those that were sent."""


@dataclass(slots=True)
class _MailLine:
    """Mails that are put together."""

    counts: Counter[str] = field(default_factory=Counter[str])
    revenue: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, what: str, currency: str, count: int) -> None:
        """So much more of what is counted."""
        if what.startswith(REVENUE):
            self.revenue[currency][what.removeprefix(REVENUE)] += count
        else:
            self.counts[what] += count


def mails(
    session: Session,
    by: MailGrouping,
    now: datetime,
    *,
    journey: str | None = None,
    broadcast: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> dict[str, Any]:
    """What came of mails, of a journey or broadcast alone where one is named, of days alone where some are given.

    Days are those of the settings' zone, both included. Raise InvalidInput as `periods` does.
    """
    first, last = _days(session, since, until, now)
    lines: defaultdict[tuple[str, ...], _MailLine] = defaultdict(_MailLine)
    for kind, what, currency, count in mail_results.of_mails(session, first, last, journey, broadcast):
        lines[tuple(getattr(kind, name) for name in _BY[by])].add(what, currency, count)
    found = sorted(lines.items(), key=lambda line: (-line[1].counts[SENT], line[0]))
    orders = mail_results.of_orders(session, first, last)
    main = main_currency.of_mails(session, _BY[by], first, last, journey, broadcast)
    return {
        "by": by,
        "from": first,
        "to": last,
        "mails": [
            {**dict(zip(_BY[by], key, strict=True)), **_shown(line), **_line_in_main(main, key)} for key, line in found
        ],
        "orders": _orders(orders),
        "orders_in_main": main.all_orders() if main is not None else None,
        "main": main.told() if main is not None else None,
        "windows": _windows(session),
        "told": _sentence(line for _, line in found),
    }


def _days(session: Session, since: date | None, until: date | None, now: datetime) -> tuple[date | None, date | None]:
    if since is None and until is None:
        return None, None
    today = now.astimezone(series.zone_of(session)).date()
    those = periods(since, until, "month", today)
    return (those[0].since, those[-1].until) if those else (since or today, until or today)


def _shown(line: _MailLine) -> dict[str, Any]:
    sent = line.counts[SENT]
    shares = {what: _share(line.counts[what], sent) for what in SHARES}
    return {"sent": sent, **shares, "revenue": [_revenue(one, line.revenue[one]) for one in sorted(line.revenue)]}


def _line_in_main(main: MainCurrency | None, key: tuple[str, ...]) -> dict[str, Any]:
    return {"revenue_in_main": main.revenue(key) if main is not None else None}


def _share(count: int, sent: int) -> dict[str, Any]:
    """So many of the mails that were sent, with the interval of what is behind it."""
    share = Proportion(count=count, n=max(sent, count))
    between = proportions.interval(share)
    known = share.n > 0
    return {
        "count": count,
        "n": share.n,
        "rate": round(share.rate, 4) if known else None,
        "low": round(between.low, 4) if known else None,
        "high": round(between.high, 4) if known else None,
    }


def _revenue(currency: str, credited: Mapping[str, int]) -> dict[str, Any]:
    return {
        "currency": currency,
        **{model: money.amount_of(credited.get(model, 0), currency) for model in attribution.MODELS},
    }


def _orders(found: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """All orders that came, credited or not, by currency: what mails brought is never more than that."""
    return [
        {
            "currency": currency,
            "orders": found.get((ORDERS, currency), 0),
            "amount": money.amount_of(found.get((ORDERED, currency), 0), currency),
            "credited": money.amount_of(found.get((CREDITED, currency), 0), currency),
            "without_amount": found.get((WITHOUT_AMOUNT, currency), 0),
        }
        for currency in sorted({currency for _, currency in found})
    ]


def _windows(session: Session) -> dict[str, Any]:
    """Within which time before an order mails are credited with it."""
    known = rules.of(session, [program for _, program in journeys.all_live(session)])
    return {
        "days": known.window.total_seconds() / 86_400,
        "journeys": {key: one.total_seconds() / 86_400 for key, one in sorted(known.windows.items())},
        "transactional": known.transactional,
    }


def _sentence(lines: Iterable[_MailLine]) -> str:
    whole = _MailLine()
    for line in lines:
        whole.counts.update(line.counts)
        for currency, credited in line.revenue.items():
            whole.revenue[currency].update(credited)
    if not whole.counts[SENT]:
        return "No mail was sent in this time."
    brought = [
        money.told(money.amount_of(credited["last"], currency), currency)
        for currency, credited in sorted(whole.revenue.items())
        if credited["last"]
    ]
    sent = whole.counts[SENT]
    worth = f"orders of {' and '.join(brought)} are credited to them" if brought else "no order is credited to them"
    return (
        f"{sent:,} {'mail was' if sent == 1 else 'mails were'} sent, {whole.counts['converted']:,} converted; {worth}. "
        "That they came before an order does not say that they caused it: a holdout does."
    )
