"""The versions of a journey as its authors read them: what each changed, in a sentence, and any two side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlmodel import Session

from journeys.changes.diff import diff
from journeys.changes.text_diff import text_diff
from journeys.changes.version_changes import VersionChange, summary
from journeys.language.definition import Definition
from journeys.language.step_tree import all_steps
from services.definitions.journey_versions import journeys
from services.errors import NotFound, Refused
from store.queries.definitions import journeys as journey_rows
from store.queries.enrollment import enrollments
from store.tables.definitions import JourneyVersion

DRAFT = "draft"
"""What stands for the draft where a version is named."""

CACHED = 256
"""Summaries that a process keeps: a list of versions is read again and again, and what one changed stays the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSide:
    """A version or the draft (`number` is None): who wrote it, who published it (keys), and when."""

    number: int | None
    definition: Definition
    drafted_by: str | None
    published_by: str | None
    at: datetime

    @property
    def name(self) -> str:
        """As a person calls it."""
        return f"version {self.number}" if self.number is not None else "the draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedVersions:
    """Two sides of a journey, what the second changes of the first, and the same line by line."""

    before: ComparedSide
    after: ComparedSide
    changes: Sequence[VersionChange]
    text: str

    @property
    def summary(self) -> str:
        """All changes in one line."""
        return summary(self.changes)


def side(session: Session, key: str, named: int | str) -> ComparedSide:
    """A version by its number, or the draft; raise NotFound."""
    if not isinstance(named, str):
        found = journeys.version(session, key, named)
        return ComparedSide(
            number=found.number, definition=Definition.model_validate_json(found.canonical),
            drafted_by=found.drafted_by, published_by=found.published_by, at=found.published_at,
        )  # fmt: skip
    journey = journeys.get(session, key)
    if journey.draft is None:
        raise NotFound(f"the journey {key!r} has no draft")
    return ComparedSide(
        number=None, definition=Definition.model_validate(journey.draft),
        drafted_by=journey.drafted_by, published_by=None, at=journey.updated_at,
    )  # fmt: skip


def compare(before: ComparedSide, after: ComparedSide) -> ComparedVersions:
    """Two sides of one journey; it asks nothing of the store."""
    return ComparedVersions(
        before=before,
        after=after,
        changes=diff(before.definition, after.definition),
        text=text_diff(before.definition, after.definition, (before.name, after.name)),
    )


def archive(session: Session, key: str, number: int, now: datetime) -> JourneyVersion:
    """Let nobody go back to a version, on which nobody is; what happened under it stays told.

    Raise NotFound, Refused where it is the live one, or customers enter it beside that (`live_version`), where it is
    archived already, or customers are on it (`under_way`).
    """
    found = journeys.open_version(session, key, number)
    live = journey_rows.live_version(session, key)
    if live is not None and number in (live.number, live.others):
        raise Refused(f"customers still enter version {number}; publish another one first", "live_version")
    on_it = enrollments.live_on(session, key, number)
    if on_it:
        said = f"{_many(on_it, 'customer')} {'is' if on_it == 1 else 'are'} under way on version {number}"
        raise Refused(f"{said}; move them to another one first", "under_way")
    found.archived_at = now
    session.add(found)
    return found


def summaries(session: Session, those: Sequence[JourneyVersion]) -> Mapping[int, str]:
    """What each of these versions of one journey changed, in a sentence, by its number: two statements."""
    if not those:
        return {}
    key = those[0].journey
    known = {one.number: one for one in those}
    known |= journey_rows.by_numbers(session, key, {number - 1 for number in known} - {*known, 0})
    firsts = journey_rows.firsts(session, key, {one.digest for one in those})
    return {one.number: _summary(known.get(one.number - 1), one, firsts[one.digest]) for one in those}


def _summary(before: JourneyVersion | None, one: JourneyVersion, first: int) -> str:
    if first < one.number:
        return f"Back to version {first}."
    return _told(before.canonical if before else None, one.canonical)


@lru_cache(maxsize=CACHED)
def _told(before: str | None, after: str) -> str:
    new = Definition.model_validate_json(after)
    if before is None:
        stages, steps = len(new.stages), sum(1 for _ in all_steps(new))
        return f"The first version: {_many(stages, 'stage')}, {_many(steps, 'step')}."
    return summary(diff(Definition.model_validate_json(before), new))


def _many(count: int, name: str) -> str:
    return f"{count} {name}" + ("s" if count != 1 else "")
