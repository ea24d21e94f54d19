"""One reconciliation: each journey's counts, the ledger, the dispatch table, and Temporal, a page at a time.

It reads in states of their own and writes in transactions of its own, so nobody waits for it for longer than for a
page. What it finds is looked at again where it is repaired; what fails of it fails alone. It begins anew where its
worker died: what was repaired is found no more, and a page that the last worker has in its hands still does nothing.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, PageOfWork
from services.reconciliation import event_facts, ledger, lost_rows, with_temporal
from services.reconciliation.counts import kept_counts, returned_counts, revenue_sums, run_counts
from services.reconciliation.counts.kept_counts import NO_JOURNEY, WrongCount
from services.reconciliation.differences import DifferenceKind, Findings
from services.reconciliation.ledger import MailCheck
from services.reconciliation.lost_rows import ComparedPage
from services.reconciliation.with_temporal import WorkflowDirectory
from services.values import Clock
from store.queries.definitions import journeys as journey_rows
from store.queries.recounting import strays
from store.queries.upkeep import operations as operation_rows
from store.session import Database
from store.tables.access import Operation

ReadValue = TypeVar("ReadValue")

Repair = Callable[[Session, Sequence[Any], datetime], int]
"""Repairs some of what was found, as far as it is so still; returns how many differences that were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceItem:
    """Something that is not as it should be: what a repair is given, how it is told, as how many it counts."""

    thing: Any
    told: Sequence[str]
    count: int = 1


class ReconcilingPages:
    """One check of everything; where its operation asks for repairs it repairs what it finds."""

    def __init__(self, database: Database, operation: Operation, clock: Clock, directory: WorkflowDirectory) -> None:
        self._database, self._clock, self._directory = database, clock, directory
        self._operation, self._repairs = operation.id, bool(operation.request.get("repair"))
        self._done, self._turn = operation.done, secrets.token_hex(8)

    def pages(self) -> Iterator[PageOfWork]:
        """All pages, one after the other. Raises what the directory raises where Temporal does not answer."""
        yield lambda session: Done(count=-self._done, cursor=self._turn, result={"differences": []})
        for key in ["", *sorted(self._read(journey_rows.keys))]:
            yield from self._wrong(self._read(kept_counts.wrong_counts, key))
            yield from self._wrong(self._read(run_counts.wrong_counts, key)) if key else ()
            yield from self._wrong(self._read(revenue_sums.wrong_counts, key)) if key else ()
        yield from self._wrong(self._read(returned_counts.wrong_counts))
        for kind, check in ledger.mail_checks(self._clock()).items():
            yield from self._mails(kind, check)
        yield from self._missed()
        yield from self._events()
        for kind, what, look, repair in _ROWS:
            yield from self._rows(kind, what, look, repair)
        yield from self._dispatches()
        yield from self._operations()
        yield from self._enrollments()
        yield from self._workflows()

    # -- what is looked at ---------------------------------------------------------------------------------------------

    def _wrong(self, counts: Sequence[WrongCount]) -> Iterator[PageOfWork]:
        yield _looked_at(1, "counts")
        for one in counts:
            item = DifferenceItem(thing=one, told=one.examples, count=one.count)
            yield self._page(one.kind, one.place, [item], _set_right)

    def _mails(self, kind: DifferenceKind, check: MailCheck) -> Iterator[PageOfWork]:
        yield _looked_at(1, "ledger")
        after = ""
        while found := self._read(check.find, after, ledger.PAGE):
            after = found[-1][0]
            for journey in sorted({journey for _, journey in found}):
                items = _each([one for one, of in found if of == journey])
                yield self._page(kind, journey or NO_JOURNEY, items, _of_mails(check))

    def _missed(self) -> Iterator[PageOfWork]:
        after: str | None = ""
        while after is not None:
            after, count, found = self._read(event_facts.missed_page, after)
            yield _looked_at(count, "customers")
            yield self._page(DifferenceKind.CUSTOMER_LOST, "customers", _each(found), event_facts.make_again)

    def _events(self) -> Iterator[PageOfWork]:
        after: str | None = ""
        while after is not None:
            after, count, found = self._read(event_facts.wrong_page, after)
            yield _looked_at(count, "events")
            for kind in sorted({one.kind for one in found}):
                items = [
                    DifferenceItem(thing=one, told=[one.told], count=one.count) for one in found if one.kind == kind
                ]
                yield self._page(kind, "events", items, event_facts.repair)

    def _rows(
        self, kind: DifferenceKind, what: str, look: Callable[[Session, str], ComparedPage], repair: Repair
    ) -> Iterator[PageOfWork]:
        after: str | None = ""
        while after is not None:
            page: ComparedPage = self._read(look, after)
            after = page.last
            yield _looked_at(page.count, what)
            for journey in sorted({one.journey for one in page.found}):
                here = [one for one in page.found if one.journey == journey]
                items = [DifferenceItem(thing=one.id, told=[one.id], count=one.count) for one in here]
                yield self._page(kind, journey or NO_JOURNEY, items, repair)

    def _dispatches(self) -> Iterator[PageOfWork]:
        after = 0
        while found := self._read(strays.dispatches, after, ledger.PAGE):
            after = found[-1][0]
            items = [DifferenceItem(thing=row, told=[f"{kind} {row}"]) for row, kind in found]
            yield self._page(DifferenceKind.DISPATCH_OF_NOBODY, "dispatch", items, ledger.drop_dispatches)

    def _operations(self) -> Iterator[PageOfWork]:
        found = self._read(with_temporal.operations_without_workflow, self._directory)
        kind = DifferenceKind.OPERATION_WITHOUT_WORKFLOW
        yield self._page(kind, "operation", _each(found), with_temporal.begin_again)

    def _enrollments(self) -> Iterator[PageOfWork]:
        after = ""
        while page := self._read(strays.live_page, after, with_temporal.PAGE):
            after = page[-1].id
            lost = {one.id for one in with_temporal.without_workflow(page, self._directory)}
            yield _looked_at(len(page), "enrollments")
            still = {one.id for one in self._read(strays.still_live, lost)}
            for journey in sorted({one.journey for one in page}):
                items = _each([one.id for one in page if one.journey == journey and one.id in still])
                yield self._page(DifferenceKind.ENROLLMENT_WITHOUT_WORKFLOW, journey, items, with_temporal.restart)

    def _workflows(self) -> Iterator[PageOfWork]:
        for page in self._directory.of_enrollments():
            ended = self._read(with_temporal.of_ended, page, self._clock())
            nobodys = self._read(with_temporal.of_nobody, page)
            yield _looked_at(len(page), "workflows")
            for kind, found in (
                (DifferenceKind.WORKFLOW_OF_ENDED_ENROLLMENT, ended),
                (DifferenceKind.WORKFLOW_WITHOUT_ENROLLMENT, nobodys),
            ):
                yield self._page(kind, "Temporal", _each(found), with_temporal.end)

    def _read(self, query: Callable[..., ReadValue], *given: Any) -> ReadValue:
        with self._database.reading() as session:
            return query(session, *given)

    # -- what is found -------------------------------------------------------------------------------------------------

    def _page(
        self, kind: DifferenceKind, place: str, items: Sequence[DifferenceItem], repair: Repair | None
    ) -> PageOfWork:
        """These differences, put on record; and repaired, where that is wanted and there is a way."""
        if not items:
            return _looked_at(0, place)

        def do(session: Session, some: Sequence[DifferenceItem]) -> Done:
            if self._own(session).cursor != self._turn:  # another worker has begun anew
                return Done(count=0)
            wanted = self._repairs and repair is not None
            repaired = repair(session, [one.thing for one in some], self._clock()) if wanted and repair else 0
            return self._noted(session, kind, place, some, repaired)

        def fail(session: Session, one: DifferenceItem, error: Exception) -> Done:
            noted = self._noted(session, kind, place, [one], 0)
            errors = [line_error(self._own(session).error_count + 1, error, f"{kind} {one.told[0]}")]
            return Done(count=0, result=noted.result, errors=errors)

        return ItemPage(items=lambda session: items, do=do, fail=fail)

    def _noted(
        self, session: Session, kind: DifferenceKind, place: str, some: Sequence[DifferenceItem], repaired: int
    ) -> Done:
        found = Findings((self._own(session).result or {}).get("differences", ()))
        examples = [told for one in some for told in one.told]
        found.add(kind, place, examples, sum(one.count for one in some), repaired)
        return Done(count=0, result={"differences": found.as_json()})

    def _own(self, session: Session) -> Operation:
        known = operation_rows.held(session, self._operation)
        assert known is not None
        return known


_K = DifferenceKind
_ROWS = (
    (_K.WRONG_INTEREST, "enrollments", lost_rows.wrong_interests, lost_rows.register_anew),
    (_K.DECISION_LOST, "enrollments", lost_rows.lost_decisions, lost_rows.put_lost_on_record),
    (_K.MAIL_WITHOUT_BODY, "mails", lost_rows.mails_without_body, lost_rows.put_nothing_kept_on_record),
)
"""What is asked of enrollments and mails, and of the rows that belong to each."""


def _looked_at(count: int, what: str) -> PageOfWork:
    return lambda session: Done(count=count, note=what)


def _each(things: Sequence[str]) -> list[DifferenceItem]:
    return [DifferenceItem(thing=one, told=[one]) for one in things]


def _set_right(session: Session, wrong: Sequence[Any], now: datetime) -> int:
    for one in wrong:
        kept_counts.set_right(session, one)
    return sum(one.count for one in wrong)


def _of_mails(check: MailCheck) -> Repair | None:
    repair = check.repair
    return None if repair is None else lambda session, ids, now: sum(repair(session, one, now) for one in ids)
