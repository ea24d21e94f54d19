"""The preference page: which topics a recipient can choose, what holds now, and what they choose."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.rules.policy import EVERY_TOPIC
from services.attribution import mail_outcomes
from services.customers.consent_in_force import ConsentsInForce
from services.definitions import topics
from services.errors import NotFound
from services.feedback.answers import consents
from services.feedback.answers.consents import Statement
from services.messages.deciding.eligibility import OPT_IN
from store.queries.consent import topics as topic_rows
from store.queries.identity import customers
from store.queries.mails import customer_mail
from store.tables.customers import Customer
from store.tables.definitions import Topic
from store.tables.messages import Message

TEXT = "I want mail about this topic."
"""What the page asks, kept with a yes."""

VERSION = "preferences-1"
"""Which wording of it, kept with a yes too: another text is another version."""


AGREED: Mapping[str, Any] = {"text": TEXT, "version": VERSION, "how": "preference page"}
"""The evidence of a yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A topic, its name as customers read it, and whether the customer gets mail about it."""

    topic: str
    name: str
    on: bool


def choices(session: Session, customer_id: str, send_id: str, languages: Sequence[str] = ()) -> Sequence[Choice]:
    """Every topic with terms, that they spoke about, or had mail about, by key; transactional mail is no choice.

    `send_id` is the mail with the link: what holds is what holds for its inbox. `languages` are tags in which
    topics are named, the best first, as `topics.label_of` takes them.

    Raise NotFound where the customer is gone.
    """
    email = _inbox(session, customer_id, send_id)
    rows, said = {one.key: one for one in topic_rows.listed(session)}, _said(session, customer_id, email)
    transactional = {key for key, row in rows.items() if row.transactional}
    names = {*rows, *said.topics(), *customer_mail.topics_had(session, customer_id)} - transactional
    return [
        Choice(
            topic=one,
            name=topics.label_of(rows.get(one), one, languages),
            on=is_on(rows.get(one), said.of(customer_id, email, one).granted),
        )
        for one in sorted(names)
    ]


def _said(session: Session, customer_id: str, email: str | None) -> ConsentsInForce:
    return ConsentsInForce(session, [customer_id], [email] if email is not None else [])


def _inbox(session: Session, customer_id: str, send_id: str) -> str | None:
    """Where the mail with the link went, else the address that the customer has now."""
    customer, mail = session.get(Customer, customer_id), session.get(Message, send_id)
    if customer is None:
        raise NotFound("this customer no longer exists")
    return mail.email if mail is not None and mail.email is not None else customer.email


def is_on(row: Topic | None, granted: bool | None) -> bool:
    """Whether mail about a topic (None: one without terms) goes, where this was said; None: nobody said anything."""
    return granted if granted is not None else row is None or row.consent not in OPT_IN


def choose(
    session: Session,
    customer_id: str,
    wanted: Collection[str],
    send_id: str,
    now: datetime,
    agreed: Mapping[str, Any] = AGREED,
) -> None:
    """Keep what was ticked, and what was not. The link came to their inbox, so a yes is confirmed by that.

    `agreed` is the evidence of a yes: what the page asks, in the language in which it was shown.
    Topics that the page does not show are left alone. Raise NotFound where the customer is gone.
    """
    customers.lock(session, customer_id)
    source = f"preference page, message {send_id}"
    found, email = choices(session, customer_id, send_id), _inbox(session, customer_id, send_id)
    nothing = _said(session, customer_id, email).of(customer_id, email, EVERY_TOPIC).granted is False
    said = Statement(
        customer_id=customer_id, topic=EVERY_TOPIC, granted=True, source=source, at=now, email=email, confirmed=True
    )
    statements = [said] if wanted and nothing else list[Statement]()
    for one in found:
        on = one.topic in wanted
        if on != one.on or (on and nothing):
            statements.append(replace(said, topic=one.topic, granted=on, evidence=agreed if on else None))
    changed = consents.say_all(session, statements, now)
    mail = session.get(Message, send_id)
    if changed and mail is not None and any(one.topic == mail.topic and not one.granted for one in statements):
        mail_outcomes.unsubscribed(session, mail, now)
