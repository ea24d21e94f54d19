"""What exists where a journey is to run, as its validation wants to know."""

from sqlmodel import Session

from journeys.checks.lint import ValidationContext
from journeys.language.definition import Definition
from services.installation import installation_settings
from store.queries import customers, event_names, journeys, segments, topics

LOOKED_AT = 500
"""Customers whose attributes are those that there are: so many are read in some ten milliseconds."""


def load(
    session: Session, key: str | None, templates: frozenset[str], secrets: frozenset[str] | None = None
) -> ValidationContext:
    """What a journey may name where it is published, and the live version of `key`, which it would follow.

    Templates, events seen so far (None before the first), segments, journeys, names of secrets (None where they are not
    known), the hours that quiet hours leave.
    """
    return ValidationContext(
        templates=templates,
        events=event_names.seen(session) or None,
        segments=segments.keys(session),
        journeys=journeys.keys(session),
        secrets=secrets,
        awake=installation_settings.awake(installation_settings.load(session).quiet_hours),
        transactional_topics=frozenset(one.key for one in topics.listed(session) if one.transactional),
        lifecycle=journeys.lifecycle_key(session),
        topics=frozenset(one.key for one in topics.listed(session)) or None,
        attributes=customers.attributes_of_the_newest(session, LOOKED_AT) or None,
        previous=_live(session, key),
    )


def _live(session: Session, key: str | None) -> Definition | None:
    version = journeys.live_version(session, key) if key else None
    return Definition.model_validate_json(version.canonical) if version else None
