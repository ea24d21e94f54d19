"""The counts of what came back of mails, against the mails, their reports and their outcomes; and the counts set right.

What arrived, was opened, clicked, complained about or left is counted twice: by journey, broadcast and topic, and by
kind of mail and the day on which a provider accepted it. Both are compared, all mails in one state of the database.

Rows of erased customers are gone, and what came back of their mails stays counted. So where a journey or broadcast has
lost such rows, and of every topic then, a count may be above what the rows say. The days of results are the
installation's, so a result's days are compared by their sum (and its months), and told again where that differs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from itertools import groupby

from sqlmodel import Session

from services.reconciliation.counts.kept_counts import NO_JOURNEY, WrongCount, missing_counts
from services.reconciliation.differences import DifferenceKind
from store.queries.figures import mail_results
from store.queries.figures.mail_results import KindOfMail
from store.queries.recounting import return_recounts
from store.queries.recounting.journey_recounts import CountLabels, LabelCounts
from store.queries.recounting.return_recounts import CAME, RESULTS, ReturnedCounts
from store.tables.mail_results import MailResult
from store.tables.message_counts import DeliveryCount


def wrong_counts(session: Session) -> list[WrongCount]:
    """Every count of what came back that differs, by place and kind."""
    kept, told = return_recounts.kept(session), return_recounts.told(session)
    erased = return_recounts.with_erased(session)
    return [*_came(kept, told, erased), *_results(kept, told, erased)]


def _came(kept: ReturnedCounts, told: ReturnedCounts, erased: Set[tuple[str, str]]) -> Iterator[WrongCount]:
    lost = {("journey", journey) for journey, _ in erased} | {("broadcast", broadcast) for _, broadcast in erased}
    off = dict[CountLabels, int]()
    for at_least in (False, True):
        some = [
            Counter({one: count for one, count in counts.items() if _may_be_above(one, lost) == at_least})
            for counts in (told.came, kept.came)
        ]
        off |= missing_counts(some[0], some[1], at_least=at_least)
    for (subject, key), labels in groupby(sorted(off), lambda one: one[:2]):
        yield WrongCount(
            kind=DifferenceKind.RETURN_COUNT,
            place=key if subject == "journey" else f"{subject} {key}",
            table=DeliveryCount,
            names=CAME,
            missing={one: off[one] for one in labels},
        )


def _may_be_above(labels: CountLabels, lost: Set[tuple[str, str]]) -> bool:
    subject, key, *_ = labels
    return bool(lost) if subject == "topic" else (subject, key) in lost


def _results(kept: ReturnedCounts, told: ReturnedCounts, erased: Set[tuple[str, str]]) -> Iterator[WrongCount]:
    kinds = {**told.kinds, **kept.kinds}
    off = _off(kept.results, told.results, kinds, erased)
    by_journey = defaultdict[str, dict[CountLabels, int]](dict)
    for labels, by in off.items():
        kind = kinds.get(labels[1])
        by_journey[kind.journey if kind is not None else ""][labels] = by
    for journey, missing in sorted(by_journey.items()):
        yield WrongCount(
            kind=DifferenceKind.MAIL_RESULT_COUNT,
            place=journey or NO_JOURNEY,
            table=MailResult,
            names=RESULTS,
            missing=missing,
            fixed={"currency": ""},
            beside=("gone",),
        )


def _off(
    kept: LabelCounts, told: LabelCounts, kinds: Mapping[str, KindOfMail], erased: Set[tuple[str, str]]
) -> dict[CountLabels, int]:
    """What is to be added to each day, month and to all days, of the results whose sums differ in one of the three."""
    sums = [_sums(counts) for counts in (told, kept)]
    wrong = set[CountLabels]()
    for labels in {*sums[0], *sums[1]}:
        _, kind, what = labels
        gone = what != mail_results.SENT and _has_lost(kinds.get(kind), erased)
        missing = sums[0][labels] - sums[1][labels]
        if missing > 0 or (missing and not gone):
            wrong.add((kind, what))
    found = dict[CountLabels, int]()
    for labels in {*kept, *told}:
        _, kind, what = labels
        gone = what != mail_results.SENT and _has_lost(kinds.get(kind), erased)
        by = told[labels] - kept[labels]
        if (kind, what) in wrong and (by > 0 or (by and not gone)):
            found[labels] = by
    return found


def _has_lost(kind: KindOfMail | None, erased: Set[tuple[str, str]]) -> bool:
    return kind is not None and (kind.journey, kind.broadcast) in erased


def _sums(counts: LabelCounts) -> LabelCounts:
    """By the length of the day's name: all its days together, all its months, and all days."""
    found = Counter[CountLabels]()
    for (day, kind, what), count in counts.items():
        found[str(len(day)), kind, what] += count
    return found
