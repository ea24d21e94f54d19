"""What exists where a journey is to run, as its validation wants to know."""

from dataclasses import dataclass

from sqlmodel import Session

from journeys.checks.lint import ValidationContext
from journeys.checks.texts import JudgeText
from journeys.language.definition import Definition, parsed
from services.installation import installation_settings
from store.queries.audiences import segments
from store.queries.consent import topics
from store.queries.definitions import journeys
from store.queries.history import event_names
from store.queries.identity import customers

LOOKED_AT = 500
"""Customers whose attributes are those that there are: so many are read in some ten milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideStore:
    """What is known of an installation beside its store: names of secrets, whether its hooks call private hosts.

    `judge_text` reads a text that is a template. None where it is not known.
    """

    secrets: frozenset[str] | None = None
    private_hooks: bool | None = None
    judge_text: JudgeText | None = None


UNKNOWN = BesideStore()
"""Nothing is known of it."""


def load(
    session: Session, key: str | None, templates: frozenset[str], beside: BesideStore = UNKNOWN
) -> ValidationContext:
    """What a journey may name where it is published, and the live version of `key`, which it would follow.

    Templates, events seen so far (None before the first), segments, journeys, what is known `beside` the store, the
    hours that quiet hours leave.
    """
    return ValidationContext(
        templates=templates,
        events=event_names.seen(session) or None,
        segments=segments.keys(session),
        journeys=journeys.keys(session),
        secrets=beside.secrets,
        private_hooks=beside.private_hooks,
        judge_text=beside.judge_text,
        awake=installation_settings.awake(installation_settings.load(session).quiet_hours),
        transactional_topics=frozenset(one.key for one in topics.listed(session) if one.transactional),
        lifecycle=journeys.lifecycle_key(session),
        topics=frozenset(one.key for one in topics.listed(session)) or None,
        attributes=customers.attributes_of_the_newest(session, LOOKED_AT) or None,
        previous=_live(session, key),
    )


def _live(session: Session, key: str | None) -> Definition | None:
    version = journeys.live_version(session, key) if key else None
    try:
        return parsed(version.canonical) if version else None
    except ValueError:  # one that this build cannot read is no model for what comes after it
        return None
