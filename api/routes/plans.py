"""A plan of a publish as a whole: customer by customer, and as a picture."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlmodel import Session

from api.deps.backend import Backend, TheBackend
from api.deps.permission import Support
from api.deps.transactions import Reading
from api.edge.streamed_files import StreamedCsv, StreamedNdjson
from api.errors import responses
from api.routes.journeys import JourneyKey, Svg
from api.schemas.journey_changes import (
    PlanEntryOut,
)
from journeys.changes.outcomes import Kind
from pictures import plan as plan_picture
from pictures.svg import Theme
from services.changes.planning import plan as plans
from services.errors import NotFound, Refused
from services.operations import operations
from store.queries.definitions import plans as plan_rows
from store.tables.access import Operation
from store.tables.plans import PlanEntry

router = APIRouter(prefix="/v1/journeys", tags=["journeys"])

PlanId = Annotated[str, Path(description="the token of a plan, `op_…`", max_length=40)]

COLUMNS = ("enrollment", "version", "kind", "stage", "step", "to_stage", "to_step", "detail")
"""Of the list that is downloaded."""


@router.get(
    "/{key}/plans/{id}.ndjson",
    summary="A plan, customer by customer",
    response_class=StreamedNdjson,
    responses=responses(404),
)
def as_ndjson(
    key: JourneyKey, id: PlanId, parts: TheBackend, session: Reading, caller: Support, kind: Kind | None = None
) -> Response:
    """One line for each enrollment: what would become of it. `kind` leaves the others out."""
    _plan_of(session, key, id)
    return StreamedNdjson(_lines(parts, id, kind, _ndjson))


@router.get(
    "/{key}/plans/{id}.csv", summary="The same as a table", response_class=StreamedCsv, responses=responses(404)
)
def as_csv(
    key: JourneyKey, id: PlanId, parts: TheBackend, session: Reading, caller: Support, kind: Kind | None = None
) -> Response:
    """The same lines with a header; `detail` is JSON."""
    _plan_of(session, key, id)
    name = {"Content-Disposition": f'attachment; filename="{key}-plan.csv"'}
    return StreamedCsv(_lines(parts, id, kind, _csv), headers=name)


@router.get("/{key}/plans/{id}.svg", summary="A plan as a picture", response_class=Svg, responses=responses(404, 409))
def as_svg(key: JourneyKey, id: PlanId, session: Reading, caller: Support, theme: Theme = "auto") -> Response:
    """From where to where, a ribbon for each change, as thick as it has customers; dangerous kinds stand out."""
    told = _plan_of(session, key, id).result
    if told is None:
        raise Refused("the plan has counted nobody yet")
    sides = (f"version {told['from']}, live", f"version {told['to']}, planned")
    return Svg(plan_picture.draw(told["changes"], f"{key}: {told['live']:,} customers under way", sides, theme))


def _plan_of(session: Session, key: str, id: str) -> Operation:
    operation = operations.get(session, id)
    if operation.kind != plans.KIND or operation.request["journey"] != key:
        raise NotFound(f"there is no plan {id!r} of the journey {key!r}")
    return operation


def _lines(
    parts: Backend, id: str, kind: str | None, write: Callable[[Iterable[PlanEntryOut]], Iterator[str]]
) -> Iterator[str]:
    with parts.database.reading() as session:
        yield from write(_shown(entry) for entry in plan_rows.each(session, id, kind))


def _shown(entry: PlanEntry) -> PlanEntryOut:
    return PlanEntryOut(
        enrollment=entry.enrollment_id, version=entry.version, kind=entry.kind, stage=entry.stage, step=entry.step,
        to_stage=entry.to_stage, to_step=entry.to_step, detail=entry.detail,
    )  # fmt: skip


def _ndjson(entries: Iterable[PlanEntryOut]) -> Iterator[str]:
    for entry in entries:
        yield entry.model_dump_json() + "\n"


def _csv(entries: Iterable[PlanEntryOut]) -> Iterator[str]:
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    for entry in entries:
        shown = entry.model_dump()
        rows.writerow([json.dumps(shown[name]) if name == "detail" else shown[name] for name in COLUMNS])
        yield file.getvalue()
        file.seek(0)
        file.truncate()
    yield file.getvalue()
