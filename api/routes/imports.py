"""Imports: a file of customers, events, consents or enrollments, taken in by a worker while the caller watches.

A dry run reads the whole file and shows what would become of it; nothing is kept of it.
"""

import hashlib
import tempfile
from functools import partial
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend, TheBackend
from api.deps.permission import Marketer, bearer
from api.edge.idempotency import HEADER, checked
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.schemas.imports import ImportPreviewOut
from api.schemas.operations import OperationOut
from services.access import idempotency
from services.access.idempotency import Claim, KeptAnswer
from services.definitions import broadcasts, journeys
from services.errors import InvalidInput
from services.imports import csv_and_ndjson
from services.imports import dry_run as dry_runs
from services.imports.cells import CellForms
from services.imports.file_form import FileForm, FormRecognition
from services.operations import operations, uploads
from store.ids import new_id
from store.tables.access import ApiKey

router = APIRouter(prefix="/v1/imports", tags=["operations"])

LARGEST = 4 * 1024**3
"""Bytes of a file: some ten million events."""

IN_MEMORY = 1024 * 1024
"""Bytes of a file that arrive in memory; the rest goes to disk."""

Spool = tempfile.SpooledTemporaryFile[bytes]
ImportKindName = Literal["events", "customers", "consents", "enrollments", "recipients"]

_EXAMPLES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}, "example": "userId,email,first_name\n17,ann@example.com,Ann\n"},
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"userId": "17", "traits": {"email": "ann@example.com", "first_name": "Ann"}}\n',
    },
}


def recognition(
    format: Annotated[Literal["csv", "ndjson"], Query(description="a table, or JSON line by line")] = "csv",
    encoding: Annotated[
        str | None, Query(description="by its IANA name; without it recognised: UTF-8, UTF-16 or Windows-1252")
    ] = None,
    delimiter: Annotated[
        str | None, Query(description="comma, semicolon, tab or pipe; without it as the header shows")
    ] = None,
    decimal: Annotated[str, Query(description="of numbers in cells: point, or comma")] = "point",
    dates: Annotated[
        str | None, Query(description="in cells, beside ISO 8601: DD.MM.YYYY, MM/DD/YYYY HH:mm, …", max_length=64)
    ] = None,
    text: Annotated[
        list[str] | None, Query(description="columns that hold texts, also where they look like numbers")
    ] = None,
    number: Annotated[list[str] | None, Query(description="columns that hold numbers and nothing else")] = None,
) -> FormRecognition:
    """How the file is written, as far as the caller says."""
    cells = CellForms(decimal=decimal, dates=dates, texts=tuple(text or ()), numbers=tuple(number or ()))
    return FormRecognition(format, encoding, delimiter, cells)


@router.post(
    "",
    status_code=202,
    summary="Import a file",
    responses={200: {"model": ImportPreviewOut, "description": "A dry run"}, **responses(404, 409, 413, 422)},
    openapi_extra={"requestBody": {"required": True, "content": _EXAMPLES}},
)
async def start(
    request: Request,
    parts: TheBackend,
    caller: Marketer,
    kind: Annotated[ImportKindName, Query(description="what the file holds")],
    recognition: Annotated[FormRecognition, Depends(recognition)],
    response: Response,
    journey: Annotated[
        str | None,
        Query(description="enrollments: into which; events: where to place the customers", max_length=63),
    ] = None,
    broadcast: Annotated[str | None, Query(description="recipients: of which broadcast", max_length=63)] = None,
    dry_run: Annotated[bool, Query(description="show what would become of the file, and keep nothing")] = False,
) -> OperationOut | ImportPreviewOut:
    """The answer is an operation to watch. Lines that are wrong are listed with their numbers and stop nobody else's.

    A dry run answers with how the file is written, what each column becomes, ten records, and the lines that are wrong.
    customers: `userId` and attributes. events: `userId`, `event`, `timestamp`, `messageId`, and properties. consents:
    `userId`, `topic`, `granted`. enrollments: `userId`, and data of the run. recipients: `userId`.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        digest = await _receive(request, spool, recognition)
        form = recognition.form()
        asked = {"kind": kind, "journey": journey, "broadcast": broadcast}
        if dry_run:
            response.status_code = 200
            return await run_in_threadpool(_preview, parts, asked, spool, form)
        return await run_in_threadpool(_keep, parts, request, caller, asked, spool, digest, form)


async def _receive(request: Request, spool: Spool, recognition: FormRecognition) -> str:
    """The body into a file on disk, and past whoever recognises how it is written; its digest."""
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST:
            raise HTTPException(413, f"the file is larger than {LARGEST:,} bytes")
        digest.update(chunk)
        recognition.feed(chunk)
        await run_in_threadpool(spool.write, chunk)
    return digest.hexdigest()


def _preview(parts: Backend, asked: dict[str, Any], spool: Spool, form: FileForm) -> ImportPreviewOut:
    _check(parts, asked, spool, form)
    found = dry_runs.preview(parts.database, asked["kind"], cast(BinaryIO, spool), form, parts.clock())
    return ImportPreviewOut.of(asked["kind"], found)


def _keep(
    parts: Backend, request: Request, caller: ApiKey, asked: dict[str, Any], spool: Spool, digest: str, form: FileForm
) -> OperationOut:
    """Keep the file in parts, then ask for the work; a repeat with the same Idempotency-Key gets the first answer."""
    key, secret = request.headers.get(HEADER), bearer(request) or ""
    fingerprint = hashlib.sha256(f"{request.url.path}?{request.url.query}\0{digest}".encode()).hexdigest()
    claim = Claim(caller=caller.id, key=checked(key), fingerprint=fingerprint) if key is not None else None
    if claim is not None:
        with parts.database.reading() as session:
            known = idempotency.find(session, claim, secret, parts.clock())
        if known is not None:
            return OperationOut.model_validate_json(known.body)
    _check(parts, asked, spool, form)
    operation_id = _parts(parts, spool)
    kind, now = asked["kind"], parts.clock()
    request_kept = {**asked, **form.as_json()}

    def start(session: Session) -> OperationOut:
        operation = operations.start(
            session, f"import {kind}", request_kept, now, by=caller.id, total=form.records, operation_id=operation_id
        )
        shown = operation_out(operation, now)
        Trail(request, session, now).note("imported", kind, operation_id, after=shown)
        if claim is not None:
            answer = KeptAnswer(status=202, headers={}, body=shown.model_dump_json().encode())
            idempotency.keep(session, claim, secret, answer, now)
        return shown

    return parts.database.write(start)


def _check(parts: Backend, asked: dict[str, Any], spool: Spool, form: FileForm) -> None:
    """What can be seen at once is refused at once."""
    if asked["kind"] == "enrollments" and asked["journey"] is None:
        raise InvalidInput("name the journey to enroll in", "journey")
    if asked["kind"] == "recipients":
        if asked["broadcast"] is None:
            raise InvalidInput("name the broadcast that they are for", "broadcast")
        with parts.database.reading() as session:
            broadcasts.accepting_recipients(session, asked["broadcast"])
    if asked["journey"] is not None:
        with parts.database.reading() as session:
            journeys.live(session, asked["journey"])
    spool.seek(0)
    csv_and_ndjson.columns(cast(BinaryIO, spool), form, dry_runs.rules_of(asked["kind"]))


def _parts(parts: Backend, spool: Spool) -> str:
    """The file into the database, a part at a time, so that nobody waits long for the writer's lock."""
    operation_id, number = new_id("op"), 0
    spool.seek(0)
    while data := spool.read(uploads.PART):
        parts.database.write(partial(uploads.keep, operation_id=operation_id, number=number, data=data))
        number += 1
    return operation_id
