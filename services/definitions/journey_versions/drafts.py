"""The draft of a journey: what its author works on, and never writes over what somebody else has written meanwhile."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.changes.diff import diff
from journeys.changes.version_changes import VersionChange
from journeys.checks import source
from journeys.checks.lint import ValidationContext
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem
from store.queries.definitions import journeys as journey_rows
from store.tables.definitions import Journey, JourneyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A valid definition, with its warnings: read and judged before any transaction begins."""

    definition: Definition
    warnings: Sequence[DefinitionProblem]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAuthor:
    """Who writes a draft: the id of their key, and the revision that they had read (None: they do not say).

    `seen` says that they have shown otherwise that they know what stands there.
    """

    key: str | None = None
    based_on: int | None = None
    seen: bool = False


NOBODY = DraftAuthor()
"""Whoever writes on the machine itself, where nobody shows a key."""


class DraftConflict(Exception):
    """Somebody else's draft stands there; `stored` and `given` are both, `changes` what the one changes of the other.

    `revision` and `by` are those of what is stored.
    """

    def __init__(self, journey: Journey, given: Definition) -> None:
        self.revision, self.by = journey.revision, journey.drafted_by
        self.stored: Mapping[str, Any] = journey.draft or {}
        self.given: Mapping[str, Any] = _plain(given)
        self.changes: Sequence[VersionChange] = diff(Definition.model_validate(journey.draft), given)
        super().__init__(
            f"the draft of {journey.key!r} is at revision {self.revision}, written by {self.by or 'nobody known'}; "
            f"take along what it says, then write with based_on={self.revision}"
        )


def read_draft(key: str, text: str, around: ValidationContext) -> Draft:
    """Raise InvalidJourney with every problem, or where the text is of another journey."""
    definition, warnings = source.read(text, around)
    if definition.journey != key:
        message, found = "the definition is of another journey", repr(definition.journey)
        problem = DefinitionProblem(code="key", message=message, path=("journey",), found=found, expected=repr(key))
        raise source.InvalidJourney([problem])
    return Draft(definition=definition, warnings=warnings)


def put_draft(session: Session, draft: Draft, now: datetime, author: DraftAuthor = NOBODY) -> Journey:
    """Store a draft, as its next revision where it is another one; what was published stays as it is.

    Raise DraftConflict where the author has not seen what stands there, and it would be lost.
    """
    definition = draft.definition
    key, wanted = definition.journey, _plain(definition)
    journey = journey_rows.locked(session, key) or Journey(key=key, created_at=now, updated_at=now)
    if not _is_known(session, journey, wanted, author):
        raise DraftConflict(journey, definition)
    if json.dumps(journey.draft) != json.dumps(wanted):
        journey.revision, journey.based_on = journey.revision + 1, author.based_on
        journey.drafted_by = author.key
    journey.name = definition.name
    journey.draft = wanted
    journey.updated_at = now
    session.add(journey)
    session.flush()
    return journey


def _plain(definition: Definition) -> dict[str, Any]:
    return definition.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _is_known(session: Session, journey: Journey, wanted: Mapping[str, Any], author: DraftAuthor) -> bool:
    """Whether nothing is lost that the author has not seen.

    Who names a revision has read that one. Who names none may write over their own draft, and over one that was
    published, which is kept as a version.
    """
    if author.based_on is not None:
        return author.based_on == journey.revision
    own = author.seen or journey.draft is None or journey.drafted_by in (None, author.key)
    return own or author.key is None or journey.draft == wanted or _is_published(session, journey)


def _is_published(session: Session, journey: Journey) -> bool:
    live = session.get(JourneyVersion, (journey.key, journey.live_version)) if journey.live_version else None
    return live is not None and json.loads(live.canonical) == journey.draft
