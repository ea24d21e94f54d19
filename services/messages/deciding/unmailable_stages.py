"""Who is not to be written to: customers in a stage with `mailable: false`, of whatever journey, and their inboxes.

A stage says so in its definition, which never changes under its digest: nothing is kept beside it that could disagree.
Whoever has the same address as somebody in such a stage is not to be written to either: it is one inbox.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from journeys.program.nodes import StageKey
from services.definitions.journey_versions import journeys
from store.queries.enrollment import enrollments


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmailableStage:
    """Where a customer is who gets transactional mail alone."""

    customer: str
    enrollment: str
    journey: str
    stage: str


class UnmailableStages:
    """The stages in which these customers, and whoever has one of these addresses, are not to be written to."""

    def __init__(self, session: Session, customer_ids: Collection[str], emails: Collection[str]) -> None:
        places = enrollments.live_places(session, customer_ids, emails)
        journeys.read_all(session, {digest for *_, digest, _ in places})
        self._of: defaultdict[str, dict[str, UnmailableStage]] = defaultdict(dict)
        for customer_id, email, enrollment, digest, stage in places:
            program = journeys.compiled(session, digest)
            here = program.stages.get(StageKey(stage))
            if here is not None and not here.mailable:
                self._of[email or customer_id][enrollment] = UnmailableStage(
                    customer=customer_id, enrollment=enrollment, journey=program.journey, stage=stage
                )

    def of(self, customer_id: str, email: str | None) -> Sequence[UnmailableStage]:
        """What binds a mail to this customer at this address, each enrollment once; nothing where it may go."""
        nothing: Mapping[str, UnmailableStage] = {}
        return list({**self._of.get(customer_id, nothing), **self._of.get(email or "", nothing)}.values())
