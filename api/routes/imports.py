"""Imports: a file of customers, events, consents or enrollments, taken in by a worker while the caller watches."""

import hashlib
import tempfile
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend, TheBackend
from api.deps.permission import Marketer, bearer
from api.edge.idempotency import HEADER, checked
from api.errors import responses
from api.routes.operations import operation_out
from api.schemas.operations import OperationOut
from services.access import idempotency
from services.access.idempotency import Claim, KeptAnswer
from services.definitions import broadcasts, journeys
from services.errors import InvalidInput
from services.imports import csv_and_ndjson, event_histories, import_kinds
from services.operations import operations, uploads
from store.ids import new_id
from store.tables.access import ApiKey

router = APIRouter(prefix="/v1/imports", tags=["operations"])

LARGEST = 4 * 1024**3
"""Bytes of a file: some ten million events."""

IN_MEMORY = 1024 * 1024
"""Bytes of a file that arrive in memory; the rest goes to disk."""

Spool = tempfile.SpooledTemporaryFile[bytes]
ImportKind = Literal["events", "customers", "consents", "enrollments", "recipients"]

_EXAMPLES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}, "example": "userId,email,first_name\n17,ann@example.com,Ann\n"},
    "application/x-ndjson": {
        "schema": {"type": "string"},
        "example": '{"userId": "17", "traits": {"email": "ann@example.com", "first_name": "Ann"}}\n',
    },
}


@router.post(
    "",
    status_code=202,
    summary="Import a file",
    responses=responses(404, 409, 413, 422),
    openapi_extra={"requestBody": {"required": True, "content": _EXAMPLES}},
)
async def start(
    request: Request,
    parts: TheBackend,
    caller: Marketer,
    kind: Annotated[ImportKind, Query(description="what the file holds")],
    format: Annotated[Literal["csv", "ndjson"], Query(description="how it is written; UTF-8")] = "csv",
    journey: Annotated[
        str | None,
        Query(description="enrollments: into which; events: where to place the customers", max_length=63),
    ] = None,
    broadcast: Annotated[str | None, Query(description="recipients: of which broadcast", max_length=63)] = None,
) -> OperationOut:
    """The answer is an operation to watch. Lines that are wrong are listed with their numbers and stop nobody else's.

    customers: `userId` and attributes. events: `userId`, `event`, `timestamp`, `messageId`, and properties. consents:
    `userId`, `topic`, `granted`. enrollments: `userId`, and data of the run. recipients: `userId`.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        digest, lines = await _receive(request, spool)
        asked = {"kind": kind, "format": format, "journey": journey, "broadcast": broadcast}
        return await run_in_threadpool(_keep, parts, request, caller, asked, spool, digest, lines)


async def _receive(request: Request, spool: Spool) -> tuple[str, int]:
    """The body into a file on disk; its digest, and how many lines it has."""
    digest, lines, size, last = hashlib.sha256(), 0, 0, b"\n"
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST:
            raise HTTPException(413, f"the file is larger than {LARGEST:,} bytes")
        digest.update(chunk)
        lines += chunk.count(b"\n")
        last = chunk[-1:] or last
        await run_in_threadpool(spool.write, chunk)
    return digest.hexdigest(), lines + (last != b"\n")


def _keep(
    parts: Backend, request: Request, caller: ApiKey, asked: dict[str, Any], spool: Spool, digest: str, lines: int
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
    _check(parts, asked, spool)
    operation_id = _parts(parts, spool)
    kind, total, now = asked["kind"], max(0, lines - (asked["format"] == "csv")), parts.clock()

    def start(session: Session) -> OperationOut:
        operation = operations.start(
            session, f"import {kind}", asked, now, by=caller.id, total=total, operation_id=operation_id
        )
        shown = operation_out(operation, now)
        Trail(request, session, now).note("imported", kind, operation_id, after=shown)
        if claim is not None:
            answer = KeptAnswer(status=202, headers={}, body=shown.model_dump_json().encode())
            idempotency.keep(session, claim, secret, answer, now)
        return shown

    return parts.database.write(start)


def _check(parts: Backend, asked: dict[str, Any], spool: Spool) -> None:
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
    kind = import_kinds.KINDS.get(asked["kind"])
    csv_and_ndjson.check_header(
        spool.read(csv_and_ndjson.SAMPLE), asked["format"], kind.required if kind else event_histories.REQUIRED
    )


def _parts(parts: Backend, spool: Spool) -> str:
    """The file into the database, a part at a time, so that nobody waits long for the writer's lock."""
    operation_id, number = new_id("op"), 0
    spool.seek(0)
    while data := spool.read(uploads.PART):
        parts.database.write(partial(uploads.keep, operation_id=operation_id, number=number, data=data))
        number += 1
    return operation_id
