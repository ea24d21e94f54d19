"""Notes to colleagues as they are counted: sent, and answered how and after how long; and the answer of each.

Notes are read by people, so they are few beside mails: a count has one row, and no shards.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlmodel import Session, select

from store import bulk
from store.log_buckets import bucket_of
from store.tables.note_answers import NoteAnswer, NoteCount

UNANSWERED = ""
"""What is counted of a note that waits for an answer."""

_KEYS = ("journey", "stage", "step", "answer", "bucket")


class StepOfNote(Protocol):
    """Which step of which journey has sent a note."""

    @property
    def journey(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def step(self) -> str: ...


class NotesCounted(NamedTuple):
    """How many notes of a step have an answer (UNANSWERED: none) that took as long as a bucket says."""

    journey: str
    stage: str
    step: str
    answer: str
    bucket: int
    notes: int


def get(session: Session, hook_id: str) -> NoteAnswer | None:
    """What was answered to a note; None where nothing was."""
    return session.get(NoteAnswer, hook_id)


def sent(session: Session, hook_id: str, note: StepOfNote) -> None:
    """Count a note that has gone; one that was answered already (while nobody knew that it went) is counted."""
    if get(session, hook_id) is None:
        _add(session, Counter({_key(note, UNANSWERED, 0): 1}))


def answered(session: Session, note: NoteAnswer, before: str | None) -> None:
    """Count a note by its answer now, and no more by the one before: UNANSWERED, or None where it was not counted."""
    by = Counter({_key(note, note.answer, bucket_of(note.seconds)): 1})
    if before is not None:
        by[_key(note, before, bucket_of(note.seconds) if before else 0)] -= 1
    _add(session, by)


def _key(note: StepOfNote, answer: str, bucket: int) -> tuple[str, str, str, str, int]:
    return note.journey, note.stage, note.step, answer, bucket


def _add(session: Session, by: Counter[tuple[str, str, str, str, int]]) -> None:
    bulk.increment(session, NoteCount, {key: (count,) for key, count in by.items()}, _KEYS)


def counted(session: Session, journey: str | None = None) -> Sequence[NotesCounted]:
    """The notes of a journey (None: of all), in the order of journey, stage and step."""
    query = select(NoteCount)
    if journey is not None:
        query = query.where(NoteCount.journey == journey)
    rows = session.exec(query.order_by(*(getattr(NoteCount, name) for name in _KEYS))).all()
    return [
        NotesCounted(one.journey, one.stage, one.step, one.answer, one.bucket, one.count) for one in rows if one.count
    ]
