"""The text of a journey's draft, as it is written in the browser: kept while it is not valid yet, comments and all.

There is one for each journey. Nobody writes over what they have not seen: a text is saved with the revision that its
author had read. A valid one becomes the journey's draft (`drafts`), which the API and plans know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from journeys.changes.text_diff import as_yaml
from journeys.checks.text_bounds import LARGEST
from journeys.language.definition import parsed
from services.definitions.journey_versions import drafts, journeys
from services.definitions.journey_versions.drafts import Draft, DraftAuthor
from services.errors import InvalidInput, NotFound
from store.queries.definitions import draft_texts as rows
from store.queries.definitions import journeys as journey_rows
from store.tables.definitions import DraftText, Journey

MOST_LISTED = 200
"""Drafts that are listed: more than colleagues write at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenText:
    """What an author had before them: the revision of the text, and that of the journey's draft; 0 where none was.

    `sheet` names the page they write on: what was saved from there is their own, whichever answer came first.
    """

    revision: int = 0
    based_on: int = 0
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenText:
    """A text to go on with. `by` is who wrote it last, None where it is what is published or what the API wrote."""

    text: str
    seen: SeenText
    by: str | None = None


class TextConflict(Exception):
    """Somebody else has saved meanwhile; `stored` is theirs, None where they discarded it, `given` is ours."""

    def __init__(self, key: str, row: DraftText | None, given: str) -> None:
        self.stored = _opened(row) if row is not None else None
        self.given = given
        super().__init__(f"the text of {key!r} was {'saved' if row is not None else 'discarded'} by somebody else")


def _opened(row: DraftText, sheet: str = "") -> OpenText:
    seen = SeenText(revision=row.revision, based_on=row.based_on, sheet=sheet)
    return OpenText(text=row.text, seen=seen, by=row.written_by if row.published_at is None else None)


def open_text(session: Session, key: str) -> OpenText:
    """The text to go on with: what was written last, here or over the API; raise NotFound where there is neither."""
    row, journey = session.get(DraftText, key), session.get(Journey, key)
    if row is not None and (row.published_at is None or journey is None or row.based_on == journey.revision):
        return _opened(row)
    if journey is None:
        raise NotFound(f"there is no journey {key!r}, and no draft of one")
    seen = SeenText(revision=row.revision if row is not None else 0, based_on=journey.revision)
    return OpenText(text=as_yaml(journeys.draft_or(session, key, None)), seen=seen)


def begin(session: Session, key: str, text: str, by: str, now: datetime) -> DraftText:
    """The text of a new journey; raise InvalidInput where there is one of this key, or a draft of one."""
    if session.get(Journey, key) is not None or rows.locked(session, key) is not None:
        raise InvalidInput(f"there is a journey {key!r} already; give this one another key", "key")
    return save(session, key, text, SeenText(), by, now)


def save(session: Session, key: str, text: str, seen: SeenText, by: str, now: datetime) -> DraftText:
    """Keep a text, as the next revision where it is another one.

    Raise InvalidInput where it is too long, TextConflict where somebody else has saved or discarded it since.
    """
    if len(text) > LARGEST:
        raise InvalidInput(f"the text has {len(text):,} characters, and a journey at most {LARGEST:,}", "text")
    row = rows.locked(session, key)
    latest = seen.revision == (row.revision if row is not None else 0)
    if not latest and not (row is not None and seen.sheet and row.sheet == seen.sheet):
        raise TextConflict(key, row, text)
    if row is None:
        row = DraftText(journey=key, text="", revision=0, based_on=0, created_at=now, updated_at=now)
    if text != row.text or row.published_at is not None:
        row.text, row.revision, row.written_by, row.updated_at = text, row.revision + 1, by, now
    row.based_on = seen.based_on if latest else row.based_on
    row.sheet, row.published_at = seen.sheet, None
    session.add(row)
    session.flush()
    return row


def store_draft(session: Session, row: DraftText, draft: Draft, by: str, now: datetime) -> Journey:
    """Make what a saved text says the journey's draft, as that of whoever wrote it: `by` may only have planned it.

    Raise DraftConflict where that was changed elsewhere since.
    """
    author = DraftAuthor(key=row.written_by or by, based_on=row.based_on)
    journey = drafts.put_draft(session, draft, now, author)
    row.based_on, row.drafted = journey.revision, row.revision
    session.add(row)
    return journey


def published(session: Session, key: str, now: datetime) -> None:
    """The journey's draft is live: its text is no draft any more, where nobody has gone on with it."""
    row, journey = rows.locked(session, key), journeys.get(session, key)
    if row is not None and (row.based_on, row.drafted) == (journey.revision, row.revision):
        row.published_at = row.published_at or now
        session.add(row)


def discard(session: Session, key: str, revision: int, now: datetime) -> None:
    """Let a text go, and what it has made of the journey's draft: what is live stands there again.

    A journey that was never published goes with it. Raise NotFound where there is no text, TextConflict where somebody
    else has saved it since.
    """
    row = rows.locked(session, key)
    if row is None or row.published_at is not None:
        raise NotFound(f"there is no draft of {key!r} to discard")
    if row.revision != revision:
        raise TextConflict(key, row, "")
    journey = journey_rows.locked(session, key)
    if journey is not None and journey.live_version is None:
        session.delete(journey)
    elif journey is not None and row.based_on == journey.revision:
        _back_to_live(session, journey, now)
    session.delete(row)


def _back_to_live(session: Session, journey: Journey, now: datetime) -> None:
    live = parsed(journeys.version(session, journey.key, journey.live_version or 0).canonical)
    drafts.put_draft(session, Draft(definition=live, warnings=()), now)


def unpublished(session: Session) -> Sequence[DraftText]:
    """The drafts that somebody works on, the newest first."""
    return rows.unpublished(session, MOST_LISTED)
