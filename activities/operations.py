"""Long work as an activity: page by page, heartbeating, until it is done or somebody wants it to stop."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from temporalio import activity

from activities import meters, single_mails
from activities.signatures import OPERATE
from activities.single_mails import SingleMails
from activities.workflow_directory import TemporalDirectory
from journeys.language.problems import InvalidJourney
from journeys.program import compiler
from journeys.simulation.backtest import FailedHistory, Totals
from services.changes.planning import plan
from services.changes.publication import publishing
from services.definitions.journey_versions import journeys
from services.enrollments import splits
from services.enrollments.controls import bulk_controls
from services.errors import InvalidInput, ServiceError
from services.imports.placing import import_events
from services.imports.records import import_lines
from services.jobs import erasure, fit_value, reconcile_books
from services.jobs.enrollments import control_enrollments, enroll_segment, resume_or_leave
from services.jobs.mails import cancel_broadcast, decide_messages, plan_broadcast
from services.messages.deciding import eligibility
from services.operations import operations
from services.operations.item_pages import ItemPage, failed_elsewhere, in_halves, is_no_items_own
from services.operations.operations import Done, PageOfWork
from services.reconciliation import reconciling
from services.reports.conversion import report_operations
from services.simulation import backtests, cohorts
from services.upkeep.clocks import broadcast_clock, value_clock
from services.values import Clock, Rejected, instant
from store.queries.audiences import segments
from store.session import Database
from store.tables.access import Operation

BEAT = 5.0
"""Seconds between two heartbeats: several within the time after which Temporal gives the work to another worker."""

LOOK_EVERY = 1.0
"""Seconds between two looks whether somebody lets paused work go on."""

ATTEMPTS = 5
"""After so many the operation has failed: the waits between them, 1, 2, 4 and 8 s, outlast a restart of the database. A
worker that dies meanwhile is no failure of the work, but counts."""

log = structlog.get_logger("waypost.operations")


class Operations:
    """Does one operation; what each kind does is in `KINDS`."""

    def __init__(self, database: Database, clock: Clock, mails: SingleMails) -> None:
        self._database = database
        self._clock = clock
        self._mails = mails

    @activity.defn(name=OPERATE)
    async def operate(self, operation_id: str) -> str:
        """Do the work behind what was done already; return the status in which it ended.

        What the work refuses (ServiceError, InvalidJourney, Rejected) ends it as failed, with that sentence; anything
        else is raised for Temporal to try again, and ends it at the last of ATTEMPTS.
        """
        operation = await asyncio.to_thread(self._begun, operation_id)
        if operation is None:
            return "nothing to do"
        error = None
        beating = asyncio.create_task(_beat())
        try:
            await (self._mail(operation) if operation.kind in single_mails.KINDS else self._work(operation))
        except (ServiceError, InvalidJourney, Rejected) as refused:
            error = str(refused)[:500]
        except Exception as unexpected:
            log.error("operation_failed", operation=operation_id, kind=operation.kind, exc_info=unexpected)
            if activity.info().attempt < ATTEMPTS:
                raise
            error = f"it failed {ATTEMPTS} times: {type(unexpected).__name__}; the worker's log tells more"
        finally:
            beating.cancel()
        return await asyncio.to_thread(self._ended, operation_id, error)

    async def _work(self, operation: Operation) -> None:
        pages = self._pages(operation)
        try:
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                await self._until_it_goes_on(operation.id)
                if not await asyncio.to_thread(self._page, operation, page):
                    return
        finally:
            await asyncio.to_thread(getattr(pages, "close", lambda: None))

    def _pages(self, operation: Operation) -> Iterator[PageOfWork]:
        """What it has to do; a reconciliation asks Temporal too."""
        if operation.kind == reconciling.KIND:
            directory = TemporalDirectory(activity.client(), asyncio.get_running_loop())
            return reconcile_books.ReconcilingPages(self._database, operation, self._clock, directory).pages()
        return KINDS[operation.kind](self._database, operation, self._clock)

    async def _until_it_goes_on(self, operation_id: str) -> None:
        while True:
            if not await asyncio.to_thread(self._waits, operation_id):
                return
            await asyncio.sleep(LOOK_EVERY)

    def _waits(self, operation_id: str) -> bool:
        with self._database.reading() as session:
            return operations.waits(session, operation_id)

    async def _mail(self, operation: Operation) -> None:
        """A single mail is sent once: where an attempt was lost, nobody can tell whether it went."""
        if operation.cursor:
            raise InvalidInput("the worker was lost while it was sent; it may or may not have gone")
        mail = await asyncio.to_thread(self._mails.compose, operation)
        await asyncio.to_thread(self._advance, operation.id, lambda session: Done(count=0, cursor="sending"))
        result = {"outcome": await self._mails.send(mail), "subject": mail.subject}
        await asyncio.to_thread(self._advance, operation.id, lambda session: Done(count=1, result=result))

    def _begun(self, operation_id: str) -> Operation | None:
        return self._database.write(lambda session: operations.begin(session, operation_id, self._clock()))

    def _page(self, operation: Operation, page: PageOfWork) -> bool:
        """Do a page, and log and count what failed of it unexpectedly; whether the work goes on behind it."""
        came = self._alone_if_need_be(operation, page)
        for error in (one for done in came if done is not None for one in done.errors if one.unexpected is not None):
            log.error("item_failed", operation=operation.id, kind=operation.kind, line=error.line,
                      exc_info=error.unexpected)  # fmt: skip
            meters.unexpected("operate")
        return None not in came

    def _alone_if_need_be(self, operation: Operation, page: PageOfWork) -> Sequence[Done | None]:
        """What came of a page, or of its parts where it raises what nobody expects: an item of it fails alone."""
        advance = partial(self._advance, operation.id)
        try:
            return [advance(page)]
        except Exception as error:
            if is_no_items_own(error):
                raise
            items = self._items(page) if isinstance(page, ItemPage) else ()
            if not items:
                raise
            log.warning("page_in_parts", operation=operation.id, kind=operation.kind, exc_info=error)
        assert isinstance(page, ItemPage)
        return in_halves(
            items,
            lambda part: advance(page.some(part)),
            lambda one, error: advance(page.failed(one, error)),
            page.split,
        )

    def _items(self, page: ItemPage[Any]) -> Sequence[Any]:
        with self._database.reading() as session:
            return page.items(session)

    def _advance(self, operation_id: str, page: PageOfWork) -> Done | None:
        return self._database.write(lambda session: operations.advance(session, operation_id, page))

    def _ended(self, operation_id: str, error: str | None) -> str:
        return self._database.write(lambda session: operations.close(session, operation_id, self._clock(), error))


async def _beat() -> None:
    """However long a page takes, Temporal knows that somebody works on it."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT)


def simulate(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Replay the recorded events of everybody through a version of a journey, or its draft; nothing is mailed.

    The request names `journey`, and may `version`, `from` and `until` (ISO 8601). Raise InvalidInput where there are no
    events in that time.
    """
    asked, now = operation.request, clock()
    begin = instant(asked["from"], "from") if asked.get("from") else None
    until = instant(asked["until"], "until") if asked.get("until") else now
    with database.reading() as session:
        drafted = compiler.compile_journey(journeys.draft_or(session, asked["journey"], asked.get("version")))
        program = splits.decided(session, drafted)
        known = {one.key: one.guard for one in segments.listed(session)}
        terms = eligibility.load_policy_terms(session)
    customers = cohorts.RecordedCohort(database, begin, until)
    total = len(customers)
    if not total:
        raise InvalidInput("there are no recorded events in this time")
    totals = Totals()
    yield _told(-operation.done, total, {}, ())  # what was worked out before a crash is lost
    for part in backtests.parts(program, customers, until, known, terms):
        before, told = totals.customers, len(totals.failures)
        totals.add(part)
        yield _told(totals.customers - before, total, totals.as_json(), totals.failures[told:])


def _told(count: int, total: int, result: dict[str, Any], failures: Sequence[FailedHistory]) -> PageOfWork:
    errors = [failed_elsewhere(one.number, one.error, one.traceback, one.customer) for one in failures]
    return lambda session: Done(count=count, total=total, result=result, errors=errors)


KINDS: Mapping[str, Callable[[Database, Operation, Clock], Iterator[PageOfWork]]] = {
    "simulate": simulate,
    "import customers": import_lines.pages,
    "import consents": import_lines.pages,
    "import enrollments": import_lines.pages,
    "import recipients": import_lines.pages,
    "import rates": import_lines.pages,
    "import events": import_events.pages,
    "enroll": enroll_segment.pages,
    "erase": erasure.pages,
    "resume": resume_or_leave.resume,
    "leave": resume_or_leave.leave,
    bulk_controls.KIND: control_enrollments.pages,
    broadcast_clock.PLAN: plan_broadcast.pages,
    broadcast_clock.PREVIEW: plan_broadcast.preview,
    broadcast_clock.CANCEL: cancel_broadcast.pages,
    decide_messages.KIND: decide_messages.pages,
    plan.KIND: plan.pages,
    publishing.KIND: publishing.pages,
    value_clock.KIND: fit_value.pages,
    **dict.fromkeys(report_operations.KINDS, report_operations.pages),
}
"""What each kind of operation does: it yields pages, each done in a transaction of its own that also keeps how far the
work is. Not in here are single mails, which wait for a provider, and a reconciliation, which asks Temporal."""
