"""What exists where a journey is to run, as its validation wants to know."""

from sqlmodel import Session, select

from journeys.checks.lint import Surroundings
from journeys.language.definition import Journey as Definition
from store.tables.customers import EventName, Segment
from store.tables.definitions import Journey, JourneyVersion


def of(session: Session, key: str | None, templates: frozenset[str]) -> Surroundings:
    """Templates, events seen so far (None before the first), segments, journeys, and the live version of `key`."""
    events = frozenset(session.exec(select(EventName.name)).all())
    return Surroundings(
        templates=templates,
        events=events or None,
        segments=frozenset(session.exec(select(Segment.key)).all()),
        journeys=frozenset(session.exec(select(Journey.key)).all()),
        previous=_live(session, key),
    )


def _live(session: Session, key: str | None) -> Definition | None:
    journey = session.get(Journey, key) if key else None
    if journey is None or journey.live_version is None:
        return None
    version = session.get(JourneyVersion, (journey.key, journey.live_version))
    return Definition.model_validate_json(version.canonical) if version else None
