"""What one writes, tried: by somebody made up, by a real customer from now on, by everybody's recorded events."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser
from api.edge.heavy_work import HeavyWork, TheHeavyWork
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import checked_text, desk, storing
from api.pages.writing.checked_text import CheckedText
from api.pages.writing.desk import TheWritten, WrittenForm
from journeys.simulation import paths
from services import values
from services.access import audit_log
from services.changes.publication import trying
from services.changes.publication.trying import TrialCustomer
from services.definitions.journey_versions.draft_texts import SeenText, TextConflict
from services.definitions.journey_versions.drafts import DraftConflict
from services.errors import InvalidInput, NotFound, Refused
from services.operations import operations
from services.reports.customer import customer_view
from services.simulation import made_up
from services.values import Rejected
from store.statuses import OPERATION_LIVE
from store.tables.access import Operation

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

BACKTEST = "simulate"
"""The kind of the operation that puts everybody's recorded events through a journey."""

Trial = Callable[[CheckedText], Mapping[str, Any]]
"""Tries a text without errors; returns what the page tells."""


class TrialForm:
    """A made-up customer as they are typed, a line for each attribute, event and variant; a real one; a span."""

    def __init__(
        self,
        attributes: Annotated[str, Form(max_length=20_000)] = "",
        events: Annotated[str, Form(max_length=50_000)] = "",
        variants: Annotated[str, Form(max_length=5_000)] = "",
        days: Annotated[float, Form(gt=0, le=3_660)] = 90,
        customer: Annotated[str, Form(max_length=400)] = "",
        since: Annotated[str, Form(max_length=40)] = "",
        until: Annotated[str, Form(max_length=40)] = "",
    ) -> None:
        self.attributes, self.events, self.variants = _lines(attributes), _lines(events), _lines(variants)
        self.days, self.customer, self.since, self.until = days, customer.strip(), since.strip(), until.strip()

    def made_up(self, begin: datetime) -> TrialCustomer:
        """As a trial takes them; raise InvalidInput for a line that cannot be read."""
        return TrialCustomer(
            begin=begin,
            attributes=made_up.pairs(self.attributes, "the line", "plan=team", "an attribute"),
            events=[made_up.timed(one, begin, "the line") for one in self.events],
            variants=made_up.pairs_of(self.variants, "a variant"),
            days=self.days,
        )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


Tried = Annotated[TrialForm, Depends()]


@router.post("/{key}/edit/try/made-up", response_class=HTMLResponse)
async def try_made_up(
    key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten, form: Tried
) -> Response:
    """Each step of the way, with every guard and the values it saw."""

    def follow(checked: CheckedText) -> Mapping[str, Any]:
        assert checked.draft is not None
        with frame.parts.database.reading() as session:
            around = trying.load(session, checked.draft.definition)
        runs = trying.follow(around, form.made_up(frame.parts.clock()))
        return {"how": "made-up", "runs": [paths.as_json(one) for one in runs]}

    return await _tried(frame, key, written, heavy, follow)


@router.post("/{key}/edit/try/customer", response_class=HTMLResponse)
async def try_customer(
    key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten, form: Tried
) -> Response:
    """What comes next for a customer, who does nothing from now on."""

    def follow(checked: CheckedText) -> Mapping[str, Any]:
        assert checked.draft is not None
        with frame.parts.database.reading() as session:
            customer = customer_view.customer(session, form.customer)
            told = trying.from_now_on(session, checked.draft.definition, customer, frame.parts.clock())
        return {"how": "customer", "customer": customer, "told": told}

    return await _tried(frame, key, written, heavy, follow)


@router.post("/{key}/edit/try/backtest", response_class=HTMLResponse)
async def try_backtest(
    key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten, form: Tried
) -> Response:
    """Everybody's recorded events, by a worker; the text is kept as the journey's draft for that."""

    def follow(checked: CheckedText) -> Mapping[str, Any]:
        for name, value in (("since", form.since), ("until", form.until)):
            if value:
                values.instant(value, name)
        start = partial(_start, key, written, checked, form, looks.actor, frame.parts.clock())
        operation, seen = frame.parts.database.write(start)
        written.seen = replace(written.seen, revision=seen.revision, based_on=seen.based_on)
        return {"how": "backtest", **_progress(frame, operation)}

    return await _tried(frame, key, written, heavy, follow)


def _start(
    key: str, written: WrittenForm, checked: CheckedText, form: TrialForm, by: str, now: datetime, session: Session
) -> tuple[Operation, SeenText]:
    stored = storing.store(session, key, written, checked, by, now)
    wanted = {"journey": key, "version": None, "from": form.since or None, "until": form.until or None}
    operation = operations.start(session, BACKTEST, wanted, now, by=by)
    shown = operation_out(operation, now).model_dump(mode="json")
    audit_log.record(session, by, "simulated", "journey", key, now, after=shown)
    return operation, storing.seen_now(session, stored)


async def _tried(frame: Frame, key: str, written: WrittenForm, heavy: HeavyWork, trial: Trial) -> Response:
    """The page, or the part of it, with what a trial told, or why it was none."""

    def work() -> tuple[CheckedText, Mapping[str, Any], str]:
        checked = checked_text.check(frame.parts, key, written.text)
        if checked.draft is None:
            return checked, {}, "There are errors in it still; it can be tried once they are mended."
        try:
            return checked, trial(checked), ""
        except (InvalidInput, NotFound, Refused, Rejected) as wrong:
            return checked, {}, str(wrong)

    try:
        checked, told, problem = await heavy.run(work)
    except TextConflict as conflict:
        return await run_in_threadpool(desk.show_conflict, frame, key, conflict)
    except DraftConflict as conflict:
        return await run_in_threadpool(desk.show_changed_elsewhere, frame, key, written, conflict)
    if frame.in_part:
        return await run_in_threadpool(
            frame.page, "writing/tried.html", key=key, tried=told, problem=problem, seen=written.seen
        )
    status = 422 if problem else 200
    return await run_in_threadpool(
        desk.show, frame, key, written.text, written.seen, checked, status=status, problem=problem, tried=told
    )


@router.get("/{key}/edit/backtest/{id}", response_class=HTMLResponse)
def backtest(key: str, id: str, frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """How far a backtest is, and what came of it."""
    with frame.parts.database.reading() as session:
        operation = operations.get(session, id)
    if operation.kind != BACKTEST or operation.request["journey"] != key:
        raise NotFound(f"there is no backtest {id!r} of the journey {key!r}")
    name = "writing/backtest_part.html" if frame.in_part else "writing/backtest.html"
    return frame.page(name, key=key, **_progress(frame, operation))


def _progress(frame: Frame, operation: Operation) -> dict[str, Any]:
    progress = operation_out(operation, frame.parts.clock())
    return {"progress": progress, "running": operation.status in OPERATION_LIVE, "result": operation.result or {}}
