"""Live enrollments as `journeys.changes.place` takes them: each with its state, its customer and its mails, by sets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel import Session

from journeys.changes.outcomes import SentMail, Standing
from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.woken import restored
from services.customers import known_facts
from store.queries import enrollment_mail
from store.statuses import MessageStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment

ON_THEIR_WAY = (MessageStatus.CLAIMED, MessageStatus.SENDING)
"""Statuses of a mail that somebody holds just now."""

GONE_OR_GOING = (
    *ON_THEIR_WAY,
    MessageStatus.PLANNED,
    MessageStatus.ACCEPTED,
    MessageStatus.UNKNOWN,
    MessageStatus.PARKED,
)
"""Statuses of a mail that its customer has, or may still get."""


def of(session: Session, those: Sequence[Enrollment], customers: Sequence[Customer]) -> Mapping[str, Standing]:
    """Where each stands, by its id; `customers` are theirs."""
    known = known_facts.of_all(session, [(one, None) for one in customers])
    sent: defaultdict[str, list[SentMail]] = defaultdict(list)
    held: set[str] = set()
    for enrollment, mail, status in enrollment_mail.of(session, [one.id for one in those], GONE_OR_GOING):
        sent[enrollment].append(mail)
        held |= {enrollment} if status in ON_THEIR_WAY else set()
    return {
        one.id: Standing(
            state=restored(one.state),
            known=known[one.customer_id],
            enrollment=EnrollmentFacts(entered_at=one.entered_at, key=one.key, data=one.data),
            sent=tuple(sent[one.id]),
            on_its_way=one.id in held,
        )
        for one in those
    }
