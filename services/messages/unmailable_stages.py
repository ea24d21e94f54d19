"""Who is not to be written to: customers in a stage with `mailable: false`, of whatever journey.

A stage says so in its definition, which never changes under its digest: nothing is kept beside it that could disagree.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from journeys.program.nodes import StageKey
from services.definitions import journeys
from store.queries import enrollments


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmailableStage:
    """Where a customer is who gets transactional mail alone."""

    enrollment: str
    journey: str
    stage: str


def of_customers(session: Session, customer_ids: Sequence[str]) -> Mapping[str, Sequence[UnmailableStage]]:
    """The stages in which these customers are not to be written to; who may be, is left out."""
    places = enrollments.live_places(session, customer_ids)
    journeys.read_all(session, {digest for _, _, digest, _ in places})
    found: defaultdict[str, list[UnmailableStage]] = defaultdict(list)
    for customer_id, enrollment, digest, stage in places:
        program = journeys.compiled(session, digest)
        here = program.stages.get(StageKey(stage))
        if here is not None and not here.mailable:
            found[customer_id].append(UnmailableStage(enrollment=enrollment, journey=program.journey, stage=stage))
    return found
