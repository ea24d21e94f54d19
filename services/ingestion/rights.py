"""What a key may say of whom: not every key that sends events may say who is who."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from journeys.facts.guards import CONSENT_EVENTS, PROFILE_EVENTS, SEGMENT_EVENTS
from journeys.facts.mail_events import HEARD
from journeys.program.program import DATE_REACHED
from readers import hand_over_answers, survey_scales
from services.ingestion.segment_api import TYPES, IncomingEvent
from services.values import Rejected

OURS = frozenset(
    {*PROFILE_EVENTS, *SEGMENT_EVENTS, *CONSENT_EVENTS, *HEARD.values(), DATE_REACHED}
    | {hand_over_answers.ANSWERED, survey_scales.ANSWERED}
)
"""Events that are made here when something is so: journeys take them for what is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """`types`: the calls it may make. `links`: may say that an anonymous person is a known one.

    `merges`: may make one of two known customers. `vouches`: may say an event that else is made here.
    """

    types: tuple[str, ...] = TYPES
    links: bool = True
    merges: bool = True
    vouches: bool = True

    def apply(self, event: IncomingEvent) -> IncomingEvent:
        """The event as far as it may be said; raise Rejected where it may not at all."""
        if event.type not in self.types:
            raise Rejected("type", f"a key that stands in a page may {' and '.join(self.types)}, and nothing else")
        if not self.vouches and event.type == "track" and event.name in OURS:
            raise Rejected(
                "event", f"{event.name!r} is an event that is made here; a key that stands in a page may not say it"
            )
        both = event.user_id is not None and event.anonymous_id is not None
        return replace(event, anonymous_id=None) if both and not self.links else event


EVERYTHING = Rights()
"""Of who may change customers anyway."""

SERVER = Rights(merges=False)
"""Of a server that sends events: it says who is who, but makes nobody of two."""

BROWSER = Rights(types=("track", "page"), links=False, merges=False, vouches=False)
"""Whoever opens the page reads its key: it can add what somebody did, and change nothing about who they are."""


def of(scopes: Collection[str]) -> Rights:
    """Of a key with these scopes."""
    if "admin" in scopes or {"ingest", "marketer"} <= {*scopes}:
        return EVERYTHING
    return SERVER if "ingest" in scopes else BROWSER


def stands_in_a_page(scopes: Collection[str]) -> bool:
    """Whether a key with these scopes is everybody's who opens the page in which it stands."""
    return {*scopes} == {"browser"}
