"""What marketing mail brings about: customers of the control group, who get none, beside everybody else.

Who is in the group is worked out from the customer's id, so the report walks along the customers who have an address
(only they could be written to), page by page, and reads what those of a page did since a day. Without a control group
it reads nobody, since nothing tells then what mail causes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from services.errors import InvalidInput
from services.experiments import comparison, sentences
from services.experiments.comparison import VariantCounts
from services.installation import installation_settings
from services.reports.conversion import reached
from services.statistics.bootstrap import Amounts
from store.queries.access import audits
from store.queries.figures import credits, currency_rates, series
from store.queries.history import milestones
from store.queries.history.milestones import Milestone
from store.queries.identity import customers
from value import exchange, money
from value.exchange import DayOfCurrency
from value.purchases import Order

PAGE = 500
"""Customers that are read together, with what they did."""

DAYS = 90
"""Of a report that does not say since when, where nothing tells how long the group has been as large: a quarter."""

CONTROL, EVERYBODY_ELSE = "control group", "everybody else"
"""What the two groups are called."""

_DRAWN_FOR = "control group"
"""The seed of what is drawn for the intervals of revenue: the same numbers say the same thing every day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftQuestion:
    """What is asked: which event is a conversion (None: any order), and of what happened since which day."""

    event: str | None = None
    since: date | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it; nothing of it is personal."""
        return {"event": self.event, "since": str(self.since) if self.since else None}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "LiftQuestion":
        """What `as_json` has made."""
        return LiftQuestion(
            event=kept["event"], since=date.fromisoformat(kept["since"]) if kept["since"] else None
        )  # fmt: skip


@dataclass(slots=True)
class _Group:
    """What was counted of one of the two."""

    customers: int = 0
    converted: int = 0
    spent: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))
    in_main: list[float] = field(default_factory=list[float])


class Lift:
    """A comparison that is being counted."""

    def __init__(self, session: Session, asked: LiftQuestion, now: datetime) -> None:
        """Read the question; raise InvalidInput of a day that is to come, or of an event without a name."""
        if asked.event is not None and not asked.event.strip():
            raise InvalidInput("name an event, or leave it out: any order is meant then", "event")
        self._event = Milestone(kind="event", name=asked.event.strip()) if asked.event else None
        self._settings, zone = installation_settings.load(session), series.zone_of(session)
        self._main, self._missing = self._settings.main_currency, set[DayOfCurrency]()
        self._zone, self._today = zone, now.astimezone(zone).date()
        changed = _last_change(session) if self._settings.control_group else None
        self._held_since = changed.astimezone(zone).date() if changed else None
        self._since = asked.since or self._held_since or self._today - timedelta(days=DAYS - 1)
        if self._since > self._today:
            raise InvalidInput(f"`from` ({self._since}) is after today ({self._today})", "from")
        self._span = reached.span_of(self._since, self._today, zone, now)
        self._control, self._others, self._after = _Group(), _Group(), ""

    def total(self, session: Session, most: int | None = None) -> int:
        """How many customers have an address (counted up to `most`); none are read without a control group."""
        return customers.count_with_address(session, most) if self._settings.control_group else 0

    def too_many(self, most: int) -> str:
        """That more have one."""
        return f"more than {most:,} customers have an address"

    def next_page(self, session: Session) -> int:
        """Count the next customers."""
        ids = customers.with_address(session, self._after, PAGE) if self._settings.control_group else ()
        if not ids:
            return 0
        self._after = ids[-1]
        ordered, spent = self._orders(session, ids)
        converted = self._did(session, ids) if self._event else ordered
        rates = self._rates(session, spent.values())
        for one in ids:
            held = installation_settings.is_in_control_group(self._settings, one)
            group = self._control if held else self._others
            group.customers += 1
            group.converted += one in converted
            if one in spent:
                self._spend(group, spent[one], rates)
        return len(ids)

    def _spend(
        self, group: _Group, amounts: Mapping[DayOfCurrency, int], rates: Mapping[DayOfCurrency, Decimal]
    ) -> None:
        """What a customer spent, by currency, and in the main one where every day has a rate."""
        for currency, units in exchange.by_currency(amounts).items():
            group.spent[currency].append(money.amount_of(units, currency))
        if self._main is not None:
            self._missing |= exchange.without_rate(amounts, rates, self._main)
            worth = exchange.in_main(amounts, rates, self._main)
            group.in_main += [float(worth)] if worth else []

    def _rates(self, session: Session, spent: Iterable[Mapping[DayOfCurrency, int]]) -> Mapping[DayOfCurrency, Decimal]:
        if self._main is None:
            return {}
        wanted = {one for amounts in spent for one in amounts if one[0] != self._main}
        return currency_rates.known(session, self._main, wanted)

    def _did(self, session: Session, ids: Sequence[str]) -> set[str]:
        assert self._event is not None
        found = milestones.reached(session, {self._event}, ids, self._span.since, self._span.until)
        return {customer_id for customer_id, _, _ in found}

    def _orders(self, session: Session, ids: Sequence[str]) -> tuple[set[str], Mapping[str, Counter[DayOfCurrency]]]:
        """Who of these ordered (and did not take it back whole), and what each spent, in the units of its currency."""
        ordered, spent = set[str](), defaultdict[str, Counter[DayOfCurrency]](Counter)
        for one in credits.ordered_between(session, ids, self._span.since, self._span.until):
            if Order.from_json(one.told).counts:
                ordered.add(one.customer_id)
            spent[one.customer_id][one.currency, series.day_of(one.at, self._zone)] += one.worth or 0
        return ordered, spent

    # -- the report ----------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """The report, as JSON; without a control group it has no numbers, and says why."""
        those = self._groups() if self._settings.control_group else []
        lift = comparison.lift(_DRAWN_FOR, those, CONTROL, EVERYBODY_ELSE)
        needed = comparison.still_needed(those) if lift else None
        return {
            "control_group": self._settings.control_group,
            "control_group_since": self._held_since.isoformat() if self._held_since else None,
            "zone": self._zone.key,
            "from": self._since.isoformat(),
            "to": self._today.isoformat(),
            "event": self._event.name if self._event else None,
            "main_currency": self._main,
            "confidence": comparison.CONFIDENCE,
            "groups": comparison.figures(_DRAWN_FOR, those),
            "lift": lift,
            "needed": needed,
            "mismatch": comparison.mismatch(those),
            "told": list(self._sentences(those, lift, needed)),
        }

    def _groups(self) -> list[VariantCounts]:
        everybody, share = self._control.customers + self._others.customers, self._settings.control_group / 100
        return [
            VariantCounts(
                name=name,
                holdout=group is self._control,
                customers=group.customers,
                converted=group.converted,
                expected=everybody * part,
                amounts=self._amounts(group),
            )
            for name, group, part in ((CONTROL, self._control, share), (EVERYBODY_ELSE, self._others, 1 - share))
        ]

    def _amounts(self, group: _Group) -> Mapping[str, Amounts]:
        """In the main currency alone where all of it has a sum there, else by currency."""
        if self._main is None or self._missing:
            return {currency: Counter(amounts) for currency, amounts in group.spent.items()}
        return {self._main: Counter(group.in_main)}

    def _sentences(
        self, those: Sequence[VariantCounts], lift: dict[str, Any] | None, needed: int | None
    ) -> Iterator[str]:
        if not those:
            yield (
                "There is no control group, so nothing tells what mail causes: who was written to and bought may have "
                "bought anyway. Set `control_group` in the settings, and ask again some weeks later."
            )
            return
        if self._held_since is not None and self._since < self._held_since:
            yield (
                f"The control group has been {self._settings.control_group}% since {self._held_since}; from "
                f"{self._since} until then others were in it, or nobody, which makes any difference look smaller."
            )
        yield from sentences.told(those, lift, needed, sentences.CONTROL_GROUP)
        yield from sentences.worth(lift) if lift else ()
        if self._main is not None and self._missing:
            yield exchange.without_sum(self._main, self._missing)


def _last_change(session: Session) -> datetime | None:
    """When somebody last made the control group larger or smaller; None where that is not on record."""
    entries = audits.about(session, "settings", "settings")
    return max((one.at for one in entries if "control_group" in (one.after or {})), default=None)
