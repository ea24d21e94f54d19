"""The page on which a journey is written, as it is shown: the text, what is wrong with it, its map, what was tried."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Form
from fastapi.responses import HTMLResponse

from api.pages.frame.frame import Frame
from api.pages.writing import checked_text
from api.pages.writing.checked_text import CheckedText
from journeys.changes.text_diff import as_yaml, lines_diff
from journeys.language.definition import Definition
from services.definitions.journey_versions.draft_texts import SeenText, TextConflict
from services.definitions.journey_versions.drafts import DraftConflict
from services.errors import NotFound
from store.queries.access import users
from store.queries.audiences import segments
from store.queries.definitions import journeys
from store.queries.history import event_names
from store.tables.definitions import DraftText, Journey

LAST_REVISION = 2**31 - 1
"""What every database counts to."""


class WrittenForm:
    """What the form of the page holds: the text, and what its author had before them when they began."""

    def __init__(
        self,
        text: Annotated[str, Form()] = "",
        revision: Annotated[int, Form(ge=0, le=LAST_REVISION)] = 0,
        based_on: Annotated[int, Form(ge=0, le=LAST_REVISION)] = 0,
        sheet: Annotated[str, Form(max_length=64)] = "",
    ) -> None:
        self.text = text.replace("\r\n", "\n")
        self.seen = SeenText(revision=revision, based_on=based_on, sheet=sheet)


TheWritten = Annotated[WrittenForm, Depends()]


def show(
    frame: Frame,
    key: str,
    text: str,
    seen: SeenText,
    checked: CheckedText,
    *,
    status: int = 200,
    problem: str = "",
    tried: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    """The whole page; `tried` is what a trial told, `problem` why something was not done."""
    with frame.parts.database.reading() as session:
        journey, row = session.get(Journey, key), session.get(DraftText, key)
        if journey is None and row is None:
            raise NotFound(f"there is no journey {key!r}, and no draft of one")
        names = {
            "templates": sorted(frame.parts.templates()),
            "events": sorted(event_names.seen(session)),
            "segments": sorted(segments.keys(session)),
            "journeys": sorted(journeys.keys(session)),
        }
        author = _author(users.names(session, {row.written_by or ""}), row, frame) if row is not None else None
    return frame.page(
        "writing/editor.html", status=status, key=key, text=text, seen=seen, checked=checked, problem=problem,
        sentence=checked_text.sentence, tried=tried, names=names, row=row, journey=journey, author=author,
        changed_elsewhere=journey is not None and journey.revision != seen.based_on,
    )  # fmt: skip


def _author(names: Mapping[str, str], row: DraftText, frame: Frame) -> str | None:
    """Who wrote it last, where that is somebody else and it is not published."""
    mine = frame.looks is not None and row.written_by == frame.looks.actor
    return None if mine or row.published_at is not None else names.get(row.written_by or "", "somebody")


def show_conflict(frame: Frame, key: str, conflict: TextConflict) -> HTMLResponse:
    """Both texts, where somebody else has saved meanwhile."""
    stored = conflict.stored
    with frame.parts.database.reading() as session:
        if stored is None:
            journey = session.get(Journey, key)
            seen = SeenText(based_on=journey.revision if journey is not None else 0)
            return show_both(frame, key, None, conflict.given, seen, None)
        by = users.names(session, {stored.by or ""}).get(stored.by or "", "somebody")
    return show_both(frame, key, stored.text, conflict.given, stored.seen, by)


def show_both(frame: Frame, key: str, theirs: str | None, mine: str, seen: SeenText, by: str | None) -> HTMLResponse:
    """Their text (None: discarded) and mine, what the one changes of the other, and the ways on."""
    if frame.in_part:
        return frame.page("writing/not_kept.html", status=409, by=by, seen=seen)
    difference = lines_diff(theirs, mine, ("theirs", "mine")) if theirs is not None else ""
    return frame.page(
        "writing/conflict.html", status=409, key=key, theirs=theirs, mine=mine, seen=seen, by=by, difference=difference
    )


def show_changed_elsewhere(frame: Frame, key: str, written: WrittenForm, conflict: DraftConflict) -> HTMLResponse:
    """Both, where the journey's draft was changed over the API meanwhile."""
    theirs = as_yaml(Definition.model_validate(dict(conflict.stored)))
    seen = replace(written.seen, based_on=conflict.revision)
    return show_both(frame, key, theirs, written.text, seen, "somebody over the API")
