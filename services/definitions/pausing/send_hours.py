"""Whether mail that is defined could ever go, once quiet hours are what they are to be."""

from collections.abc import Iterator

from sqlmodel import Session

from journeys.checks.hours import clash
from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.program.nodes import SendNode
from journeys.program.send_terms import SendTerms
from services.definitions import broadcasts
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from store.queries.consent import topics
from store.queries.definitions import broadcasts as broadcast_rows

MOST_TOLD = 5
"""Mails that are named."""


def check_settings(session: Session, settings: InstallationSettings) -> None:
    """Raise InvalidInput where live journeys or broadcasts under way have mail that could then never go."""
    awake = installation_settings.awake(settings.quiet_hours)
    found = list(_clashes(session, awake)) if awake is not None else []
    if found:
        more = f", and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        raise InvalidInput(
            f"these would never go, since their send windows are quiet hours: {', '.join(found[:MOST_TOLD])}{more}",
            "quiet_hours",
        )


def check_terms(session: Session, terms: SendTerms) -> None:
    """Raise InvalidInput where mail on these terms could never go, as the settings are."""
    awake = installation_settings.awake(installation_settings.load(session).quiet_hours)
    if awake is not None and terms.window is not None and _never_goes(terms, awake, _transactional(session)):
        raise InvalidInput(clash(terms.window, awake), "send_window")


def _clashes(session: Session, awake: Window) -> Iterator[str]:
    free = _transactional(session)
    for version, program in journeys.all_live(session):
        for node in program.nodes.values():
            if isinstance(node, SendNode) and _never_goes(node.terms, awake, free):
                yield f"{node.id} of {version.journey}"
    for row in broadcast_rows.unfinished(session):
        if _never_goes(broadcasts.body_of(row).terms(), awake, free):
            yield f"the broadcast {row.key}"


def _never_goes(terms: SendTerms, awake: Window, free: frozenset[str]) -> bool:
    bound = not terms.transactional and terms.topic not in free
    return bound and terms.window is not None and not calendar.meet(terms.window, awake)


def _transactional(session: Session) -> frozenset[str]:
    """The topics whose mail goes at any hour."""
    return frozenset(one.key for one in topics.listed(session) if one.transactional)
