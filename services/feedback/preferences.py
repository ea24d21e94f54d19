"""The preference page: which topics a recipient can choose, what holds now, and what they choose."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.definitions import topics
from services.errors import NotFound
from services.feedback import consents
from services.feedback.consents import EVERYTHING, Statement
from services.messages.eligibility import OPT_IN
from store.queries import consents as consent_rows
from store.queries import customer_mail, customers
from store.queries import topics as topic_rows
from store.tables.customers import Consent, Customer
from store.tables.definitions import Topic

TEXT = "I want mail about this topic."
"""What the page asks, kept with a yes."""

VERSION = "preferences-1"
"""Which wording of it, kept with a yes too: another text is another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A topic, what it is called before people, and whether the customer gets mail about it."""

    topic: str
    name: str
    on: bool


def choices(session: Session, customer_id: str) -> Sequence[Choice]:
    """Every topic with terms, that they spoke about, or had mail about, by key; transactional mail is no choice.

    Raise NotFound where the customer is gone.
    """
    if session.get(Customer, customer_id) is None:
        raise NotFound("this customer no longer exists")
    rows = {one.key: one for one in topic_rows.listed(session)}
    said = {one.topic: one for one in consent_rows.of_customer(session, customer_id)}
    names = ({*rows, *said, *customer_mail.topics_had(session, customer_id)} - {EVERYTHING}) - {
        key for key, row in rows.items() if row.transactional
    }
    nothing = EVERYTHING in said and not said[EVERYTHING].granted
    return [
        Choice(
            topic=one, name=topics.label_of(rows.get(one), one), on=not nothing and _on(rows.get(one), said.get(one))
        )
        for one in sorted(names)
    ]


def _on(row: Topic | None, said: Consent | None) -> bool:
    if said is not None and not said.pending:
        return said.granted
    return row is None or row.consent not in OPT_IN


def choose(session: Session, customer_id: str, wanted: Collection[str], send_id: str, now: datetime) -> None:
    """Keep what was ticked, and what was not. The link came to their inbox, so a yes is confirmed by that.

    Topics that the page does not show are left alone. Raise NotFound where the customer is gone.
    """
    customers.lock(session, customer_id)
    source = f"preference page, message {send_id}"
    found = choices(session, customer_id)
    everything = session.get(Consent, (customer_id, EVERYTHING))
    statements = list[Statement]()
    if wanted and everything is not None and not everything.granted:
        statements.append(_statement(customer_id, EVERYTHING, True, source, now))
    for one in found:
        on = one.topic in wanted
        if on != one.on or (on and everything is not None and not everything.granted):
            evidence = {"text": TEXT, "version": VERSION, "how": "preference page"} if on else None
            statements.append(_statement(customer_id, one.topic, on, source, now, evidence))
    consents.say_all(session, statements, now)


def _statement(
    customer_id: str, topic: str, on: bool, source: str, now: datetime, evidence: Mapping[str, Any] | None = None
) -> Statement:
    return Statement(
        customer_id=customer_id, topic=topic, granted=on, source=source, at=now, confirmed=True, evidence=evidence
    )
