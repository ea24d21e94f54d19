"""Live enrollments as `journeys.changes.place` takes them: each with its state, its customer and its mails, by sets."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from pydantic import ValidationError
from sqlmodel import Session

from journeys.changes.outcomes import SentMail, Standing
from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.commands import SendVisit
from journeys.machine.woken import restored
from services.customers.attributes import known_facts
from services.enrollments import splits
from store.queries.enrollment.live_enrollments import EnrollmentRow
from store.queries.identity import customers
from store.queries.mails import enrollment_mail
from store.statuses import MessageStatus

GONE_OR_GOING = (
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.PLANNED,
    MessageStatus.ACCEPTED,
    MessageStatus.UNKNOWN,
    MessageStatus.PARKED,
)
"""Statuses of a mail that its customer has, or may still get."""


def of(
    session: Session, those: Sequence[EnrollmentRow], templates: Collection[str]
) -> Mapping[str, Standing | ValidationError]:
    """Where each stands, by its id, with the mails of these `templates` alone. Whose customer is gone is left out.

    Whose kept state cannot be read has the error.
    """
    ids = [one.id for one in those]
    owners = customers.rows_by_ids(session, [one.customer_id for one in those])
    known = known_facts.of_all(session, [(one, None) for one in owners])
    sent: defaultdict[str, list[SentMail]] = defaultdict(list)
    variants = splits.of(session, those)
    for enrollment, mail in enrollment_mail.of(session, ids, templates, GONE_OR_GOING):
        sent[enrollment].append(mail)
    held = enrollment_mail.with_a_held_one(session)
    visits, decided = {one.id: one.visit for one in those}, defaultdict[str, set[SendVisit]](set)
    for enrollment, send in enrollment_mail.decided(session, ids):
        if send[1] == visits[enrollment]:
            decided[enrollment].add(send)

    def standing(one: EnrollmentRow) -> Standing | ValidationError:
        try:
            state = restored(one.state)
        except ValidationError as unreadable:
            return unreadable
        return Standing(
            state=state,
            known=known[one.customer_id],
            enrollment=EnrollmentFacts(entered_at=one.entered_at, key=one.key, data=one.data),
            sent=tuple(sent[one.id]),
            on_its_way=one.id in held,
            splits=variants[one.id],
            in_ledger=frozenset(decided.get(one.id, ())),
        )

    return {one.id: standing(one) for one in those if one.customer_id in known}
