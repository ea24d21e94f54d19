"""A file that is imported: first what each of its columns becomes and what is wrong with it, then the import itself.

Nothing of a file is kept before it was shown what becomes of it: what is confirmed is this very file, read this very
way, and another one is shown first. Without script the file is chosen once more, since browsers forget it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.datastructures import FormData, UploadFile

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.edge import file_imports
from api.edge.file_imports import ImportKindName, WantedImport
from api.edge.own_pages import own_form
from api.pages.frame import forms, posted_once
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.imports import ImportPreviewOut
from services.errors import InvalidInput, NotFound, Refused
from services.imports.files import csv_and_ndjson, file_form
from services.imports.files.cells import CellForms
from services.imports.files.file_form import DELIMITERS, ENCODINGS, PIECE, FileForm, FormRecognition
from store.queries.definitions import journeys

router = APIRouter(
    prefix="/operations", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

KINDS: Mapping[ImportKindName, str] = {
    "customers": "userId, and a column for each attribute: email, first_name, timezone, plan, …",
    "events": "userId, event, timestamp, and a column for each property; messageId keeps a line from counting twice",
    "consents": "userId, topic, granted (yes or no), and when: at",
    "enrollments": "userId, and data of the run; they enter the journey below",
    "recipients": "userId of those for whom the broadcast below is",
    "rates": "day, currency, and rate: what one unit of it is worth in the main currency of the settings",
}
"""The columns of each kind of file, in words."""

EFFECTS: Mapping[ImportKindName, str] = {
    "customers": "Each line sets attributes of a customer, who is made where there is none. Journeys and segments hear "
    "of it, as of an identify of your product.",
    "events": "Each customer's events take their place in the history. Where a journey is named, who is not in it is "
    "placed in the stage where it puts them today; mail that was due before is not sent, later mail goes.",
    "consents": "Each line is kept as what the customer said, and holds for mail that is planned already, too.",
    "enrollments": "Each customer enters the journey now, as its rule for re-entry allows, and its mails go to them.",
    "recipients": "Each customer gets the broadcast once, when it goes.",
    "rates": "Reports sum over currencies where each of their days has a rate; a day told again has the new one.",
}
"""What an import of each kind does, in words."""


class ImportForm(BaseModel):
    """What somebody says of a file. `holds` names columns that are read as one thing alone: `text zip`, `number price`.

    `confirmed` is the mark of what they were shown; `once` stands for the form, which is done once.
    """

    model_config = ConfigDict(extra="ignore")

    kind: ImportKindName = "customers"
    journey: str = Field(default="", max_length=63)
    broadcast: str = Field(default="", max_length=63)
    format: str = Field(default="", max_length=10)
    encoding: str = Field(default="", max_length=40)
    delimiter: str = Field(default="", max_length=20)
    decimal: str = Field(default="point", max_length=10)
    dates: str = Field(default="", max_length=64)
    holds: list[str] = Field(default=[], max_length=1_000)
    confirmed: str = Field(default="", max_length=64)
    once: str = Field(default="", pattern=posted_once.PATTERN)

    def recognition(self, file: BinaryIO, name: str) -> FormRecognition:
        """How the file is written, as far as this says; raise InvalidInput."""
        cells = CellForms(
            decimal=self.decimal, dates=self.dates or None, texts=self._columns("text"), numbers=self._columns("number")
        )
        format = self.format or csv_and_ndjson.format_of_stream(file, name)
        return FormRecognition(format, self.encoding or None, self.delimiter or None, cells)

    def _columns(self, holding: str) -> tuple[str, ...]:
        said = (one.partition(" ") for one in self.holds)
        return tuple(column for what, _, column in said if what == holding)

    def wanted(self) -> WantedImport:
        """As the edge takes it."""
        return WantedImport(kind=self.kind, journey=self.journey or None, broadcast=self.broadcast or None)

    def mark(self, file: BinaryIO, form: FileForm) -> str:
        """What stands for this file, read this way: as somebody says, and as it is recognised."""
        digest = hashlib.sha256(f"{self.model_dump_json(exclude={'confirmed', 'once'})} {form}".encode())
        file.seek(0)
        while piece := file.read(PIECE):
            digest.update(piece)
        file.seek(0)
        return digest.hexdigest()


@router.get("/import", response_class=HTMLResponse)
def ask(frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """Which file, and what it holds."""
    return _shown(frame, ImportForm())


@router.post("/import", response_class=RedirectResponse)
async def take(request: Request, frame: TheFrame, looks: MarketerUser) -> Response:
    """What would become of the file; where that was confirmed of this very file, the import of it.

    The form is read here and not by the signature, so that nobody's file is received who may not import one.
    """
    said = await request.form()
    try:
        return await run_in_threadpool(_taken, frame, said)
    finally:
        await said.close()


def _taken(frame: Frame, said: FormData) -> Response:
    asked = ImportForm()
    try:
        asked = forms.read(ImportForm, _fields(said))
        upload = said.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise InvalidInput("choose a file", "file")
        return _looked_at(frame, asked, upload.file, upload.filename)
    except (InvalidInput, NotFound, Refused) as wrong:
        return _shown(frame, asked, problem=str(wrong), status=409 if isinstance(wrong, Refused) else 422)


def _fields(said: FormData) -> dict[str, Any]:
    plain = {name: value for name, value in said.items() if isinstance(value, str)}
    return {**plain, "holds": [one for one in said.getlist("holds") if isinstance(one, str) and one]}


def _looked_at(frame: Frame, asked: ImportForm, file: BinaryIO, name: str) -> Response:
    file.seek(0)
    form = file_form.recognise(file, asked.recognition(file, name))
    mark = asked.mark(file, form)
    if asked.confirmed == mark:
        return RedirectResponse(f"/operations/{_start(frame, asked, file, form, mark)}", 303)
    found = file_imports.preview(frame.parts, asked.wanted(), file, form)
    other = "This is another file, or read in another way, than you were shown. This is what would become of it."
    return _shown(frame, asked, found=found, mark=mark, name=name, problem=other if asked.confirmed else "")


def _start(frame: Frame, asked: ImportForm, file: BinaryIO, form: FileForm, mark: str) -> str:
    """The id of the operation; that of the first time where the form was posted before."""
    parts, wanted, looks = frame.parts, asked.wanted(), frame.looks
    assert looks is not None
    with parts.database.reading() as session:
        known = posted_once.before(frame, session, asked.once, mark)
    if known is not None:
        return known
    file_imports.check(parts, wanted, file, form)
    with file_imports.kept(parts, file) as operation_id:
        now = parts.clock()

        def start(session: Session) -> str:
            trail = Trail(frame.request, session, now)
            return file_imports.start(session, trail, wanted, form, operation_id, looks.actor, now).id

        led = parts.database.write(
            lambda session: posted_once.do(frame, session, asked.once, mark, lambda: start(session))
        )
    if led != operation_id:
        file_imports.let_go(parts, operation_id)
    return led


def _shown(
    frame: Frame, asked: ImportForm, *, found: ImportPreviewOut | None = None, mark: str = "", name: str = "",
    problem: str = "", status: int = 200,
) -> HTMLResponse:  # fmt: skip
    template = "operations/import_preview.html" if frame.in_part else "operations/import.html"
    with frame.parts.database.reading() as session:
        live = [] if frame.in_part else sorted({one.journey for one in journeys.letting_in(session)})
    return frame.page(
        template, status=status, asked=asked, found=found, mark=mark, name=name, problem=problem, kinds=KINDS,
        effect=EFFECTS[asked.kind], journeys=live, encodings=list(ENCODINGS), delimiters=list(DELIMITERS),
        call="/v1/imports", once=posted_once.token(),
    )  # fmt: skip
