"""Imports: a file of customers, events, consents or enrollments, taken in by a worker while the caller watches.

A dry run reads the whole file and shows what would become of it; nothing is kept of it.
"""

import hashlib
import tempfile
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend, TheBackend
from api.deps.permission import Marketer, bearer
from api.deps.transactions import AnsweredWork, TheAnsweredWork, keeper_of
from api.edge import file_imports
from api.edge.file_imports import LARGEST, ImportKindName, WantedImport
from api.edge.idempotency import HEADER, AnsweredBefore, OneAnswer, checked
from api.errors import responses
from api.schemas.imports import ImportPreviewOut
from api.schemas.operations import OperationOut
from services.access.idempotency import Claim
from services.imports.files.cells import CellForms
from services.imports.files.file_form import FileForm, FormRecognition
from store.tables.access import ApiKey

router = APIRouter(prefix="/v1/imports", tags=["operations"])

IN_MEMORY = 1024 * 1024
"""Bytes of a file that arrive in memory; the rest goes to disk."""

Spool = tempfile.SpooledTemporaryFile[bytes]

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
    response_model=OperationOut | ImportPreviewOut,
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
    answered: TheAnsweredWork,
    journey: Annotated[
        str | None,
        Query(description="enrollments: into which; events: where to place who is not in it", max_length=63),
    ] = None,
    broadcast: Annotated[str | None, Query(description="recipients: of which broadcast", max_length=63)] = None,
    dry_run: Annotated[bool, Query(description="show what would become of the file, and keep nothing")] = False,
) -> OperationOut | ImportPreviewOut | Response:
    """The answer is an operation to watch. Lines that are wrong are listed with their numbers and stop nobody else's.

    A dry run answers with how the file is written, what each column becomes, ten records, the lines that are wrong, and
    of events with a journey what placing would come to. The `result` of such an import has `customers`, new `events`,
    `repeated` ones, `enrolled`, and who was left alone: `already_enrolled` are in the journey, `been_before` were and
    may not come again, `left_alone` names ten of them.
    customers: `userId` and attributes. events: `userId`, `event`, `timestamp`, `messageId`, and properties. consents:
    `userId`, `topic`, `granted`. enrollments: `userId`, and data of the run. recipients: `userId`.
    rates: `day`, `currency`, `rate` (what one unit of it is worth in `main_currency` of the settings).
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        digest = await _receive(request, spool, recognition)
        form = recognition.form()
        wanted, file = WantedImport(kind=kind, journey=journey, broadcast=broadcast), cast(BinaryIO, spool)
        if dry_run:
            response.status_code = 200
            return await run_in_threadpool(file_imports.preview, parts, wanted, file, form)
        if (key := request.headers.get(HEADER)) is not None:
            request.state.answer_keeper = _keeper(parts, request, caller, key, digest)
        try:
            return await run_in_threadpool(_keep, parts, request, answered, caller, wanted, file, form)
        except AnsweredBefore as before:
            return before.response()


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


def _keeper(parts: Backend, request: Request, caller: ApiKey, key: str, digest: str) -> OneAnswer:
    """Of a repeat the file must be the same, by its `digest`."""
    fingerprint = hashlib.sha256(f"{request.url.path}?{request.url.query}\0{digest}".encode()).hexdigest()
    return OneAnswer(parts, Claim(caller=caller.id, key=checked(key), fingerprint=fingerprint), bearer(request) or "")


def _keep(
    parts: Backend,
    request: Request,
    answered: AnsweredWork,
    caller: ApiKey,
    wanted: WantedImport,
    file: BinaryIO,
    form: FileForm,
) -> OperationOut:
    """Keep the file in parts, then ask for the work; raise AnsweredBefore where that was done under the same key."""
    keeper = keeper_of(request)
    if keeper is not None:
        with parts.database.reading() as session:
            keeper.look(session)
    file_imports.check(parts, wanted, file, form)
    with file_imports.kept(parts, file) as operation_id:
        now = parts.clock()

        def start(session: Session) -> OperationOut:
            trail = Trail(request, session, now)
            return file_imports.start(session, trail, wanted, form, operation_id, caller.id, now)

        return answered.write(start)
