"""How customers stand as to mail: the facts that are gathered before a mail may go, for many of them at once.

What follows from them (whether it goes, when, or why not) is decided in `journeys.rules.policy`, which knows no rows.

Under a cap, mail that is planned and not claimed counts as sent where it is of the same or a higher priority; mail of a
lower priority gives way (skipped: `frequency_cap`). The customers' locks are held, so two journeys cannot both take the
last place.

What concerns an inbox is asked of the address that a mail goes to: whether it is suppressed, what was said there by
whichever of its profiles, and what it has had under a cap.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from journeys.facts import calendar
from journeys.rules import policy
from journeys.rules.policy import (
    EVERY_TOPIC,
    Cap,
    Deferred,
    InstallationTerms,
    Limits,
    Recipient,
    Skipped,
    TopicTerms,
    Verdict,
)
from services.customers.attributes import email_addresses
from services.customers.consent_in_force import ConsentInForce, ConsentsInForce
from services.definitions import topics
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.messages.deciding import origins
from services.messages.deciding.unmailable_stages import UnmailableStage, UnmailableStages
from store.queries.consent import suppressions
from store.queries.consent import topics as topic_rows
from store.queries.mails import customer_mail
from store.queries.mails.customer_mail import HadMail
from store.tables.customers import Customer, Suppression
from store.tables.definitions import Topic

OPT_IN = ("opt_in", "double_opt_in")
"""The kinds of consent under which silence is a no."""

MOST_NAMED = 20
"""Mails that a decision names as those that filled a cap."""

NOBODY = Recipient(email=None)
"""Somebody who is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Mail to the same customer, or inbox, that is planned and not claimed."""

    message: str
    topic: str
    priority: int


class Recipients:
    """These customers as the policies see them, with the terms of every topic.

    Each is written to at their present address; a mail that was planned to another one is asked about with that, which
    is then among `planned_to`.
    """

    def __init__(
        self,
        session: Session,
        customers: Sequence[Customer],
        settings: InstallationSettings,
        now: datetime,
        planned_to: Iterable[str] = (),
    ) -> None:
        self._settings = settings
        self._now = now
        self._topics = {one.key: one for one in topic_rows.listed(session)}
        self._terms = policy_terms(settings, self._topics.values())
        self._mail_of = defaultdict[str, dict[str, HadMail]](dict)
        self._mail_to = defaultdict[str, dict[str, HadMail]](dict)
        self._inboxes = {one.id: one.email for one in customers}
        ids, emails = [*self._inboxes], {email for email in (*self._inboxes.values(), *planned_to) if email}
        self._suppressed = suppressions.among(session, emails)
        self._consents = ConsentsInForce(session, ids, emails)
        self._count(session, ids, emails)
        self._unmailable = UnmailableStages(session, ids, emails)

    def knows(self, customer: Customer) -> bool:
        """Whether this customer is one of them, at the address that was asked about."""
        return customer.id in self._inboxes and self._inboxes[customer.id] == customer.email

    def recipient(
        self, customer: Customer | None, topic: str, planned_to: str | None = None, besides: str | None = None
    ) -> Recipient:
        """The customer as one who is to get mail of this topic.

        `besides` is an enrollment that does not say whether they may be written to: the one whose step asks, which may
        have left the stage where its row stands. The terms of that step say it.
        """
        if customer is None:
            return NOBODY
        email = customer.email and (planned_to or customer.email)
        said = self._consents.of(customer.id, email, topic)
        return Recipient(
            email=email,
            valid=email is not None and email_addresses.is_valid_address(email),
            timezone=customer.timezone,
            suppressed=email in self._suppressed,
            sandboxed=email is not None and installation_settings.is_outside_sandbox(self._settings, email),
            control=installation_settings.is_in_control_group(self._settings, customer.id),
            pending=said.pending,
            mailable=all(one.enrollment == besides for one in self._unmailable.of(customer.id, email)),
            consent=said.granted,
        )

    def limits(
        self, customer_id: str, topic: str, ahead: Sequence[Rival] = (), planned_to: str | None = None
    ) -> Limits:
        """What holds for a mail of this topic to this customer; what is `ahead` counts as sent now."""
        before = [(one.topic, one.at) for one in self._before(customer_id, planned_to, ahead)]
        return self._terms.limits(topic, before, self._now)

    def evidence(
        self,
        verdict: Verdict,
        customer: Customer | None,
        topic: str,
        ahead: Sequence[Rival] = (),
        planned_to: str | None = None,
    ) -> Mapping[str, Any]:
        """What a decision says beside its reason.

        Of a suppression which, when and from where; of a no where it was said, when and by which customer; of a cap
        which, and the mails that filled it, the latest first.
        """
        if customer is None:
            return {}
        email = planned_to or customer.email
        match verdict:
            case Skipped(reason="suppressed"):
                return {"suppression": _told(self._suppressed.get(email or ""))}
            case Skipped(reason="unsubscribed"):
                return {"said": _said(self._consents.of(customer.id, email, topic))}
            case Skipped(reason="not_mailable"):
                bound = self._unmailable.of(customer.id, email)
                return {"bound_by": [_bound(one, customer.id) for one in bound]} if bound else {}
            case Skipped(reason="frequency_cap") | Deferred(reason="frequency_cap"):
                cap = policy.full(self.limits(customer.id, topic, ahead, planned_to), self._now)
                return self._filled(cap, self._before(customer.id, planned_to, ahead)) if cap is not None else {}
            case _:
                return {}

    def _filled(self, cap: Cap, before: Sequence[HadMail]) -> Mapping[str, Any]:
        counted = [one for one in before if cap.of in (EVERY_TOPIC, one.topic) and one.at > self._now - cap.per]
        latest = sorted(counted, key=lambda one: one.at, reverse=True)[: min(cap.most, MOST_NAMED)]
        told = {"of": cap.of, "max": cap.most, "seconds": round(cap.per.total_seconds())}
        return {"cap": told, "filled_by": [one.message for one in latest]}

    def _before(self, customer_id: str, planned_to: str | None, ahead: Sequence[Rival]) -> Sequence[HadMail]:
        """What a customer and their inbox had, each mail once, and what goes before the mail that is asked about."""
        going = (HadMail(message=one.message, topic=one.topic, at=self._now) for one in ahead)
        inbox = planned_to or self._inboxes.get(customer_id) or ""
        had = {**self._mail_of.get(customer_id, {}), **self._mail_to.get(inbox, {})}
        return [*had.values(), *going]

    def topic_name(self, topic: str, wanted: Sequence[str] = ()) -> str:
        """What customers read as the name of a topic."""
        return topics.label_of(self._topics.get(topic), topic, wanted)

    def capped(self, topic: str) -> bool:
        """Whether mail of this topic stands under a cap at all."""
        return bool(self._terms.caps(topic))

    def goes(self, customer_id: str, email: str | None, topic: str, message: str) -> None:
        """One more mail goes now, and counts for those that come after it."""
        self._keep(customer_id, email, HadMail(message=message, topic=topic, at=self._now))

    def _count(self, session: Session, ids: Sequence[str], emails: Collection[str]) -> None:
        """The mail that these customers and inboxes had within the longest cap, where there is any."""
        spans = [per for topic in (*self._topics, "") for _, (_, per) in self._terms.caps(topic)]
        if spans:
            for had in customer_mail.counted_since(session, ids, emails, self._now - max(spans)):
                self._keep(*had)

    def _keep(self, customer_id: str, email: str | None, mail: HadMail) -> None:
        self._mail_of[customer_id][mail.message] = mail
        if email is not None:
            self._mail_to[email][mail.message] = mail


def _told(found: Suppression | None) -> Mapping[str, Any]:
    if found is None:
        return {"reason": "erased", "source": "somebody with this address was erased while it was suppressed"}
    return {"reason": found.reason, "source": found.source, "at": found.created_at.isoformat()}


def _bound(one: UnmailableStage, customer_id: str) -> Mapping[str, Any]:
    """Where somebody is who is not to be written to; and who, where it is another with the same address."""
    other = {"customer": one.customer} if one.customer != customer_id else {}
    return {"journey": one.journey, "stage": one.stage, **other}


def _said(no: ConsentInForce) -> Mapping[str, Any]:
    assert no.at is not None
    return {"source": no.source, "at": no.at.isoformat(), "customer": no.said_by}


def policy_terms(settings: InstallationSettings, rows: Iterable[Topic]) -> InstallationTerms:
    """The settings of the installation and of its topics, as the policies know them."""
    quiet, cap = settings.quiet_hours, settings.cap
    return InstallationTerms(
        timezone=settings.timezone,
        awake=installation_settings.awake(quiet),
        cap=(cap.max, calendar.parse_span(cap.per).elapsed) if cap else None,
        topics={
            one.key: TopicTerms(
                opt_in=one.consent in OPT_IN,
                transactional=one.transactional,
                cap=(one.cap_max, timedelta(seconds=one.cap_seconds)) if one.cap_max and one.cap_seconds else None,
            )
            for one in rows
        },
    )


def load_policy_terms(session: Session) -> InstallationTerms:
    """Those that hold now."""
    return policy_terms(installation_settings.load(session), topic_rows.listed(session))


def rivals(session: Session, customer: Customer, but: str) -> list[Rival]:
    """Planned mail to the customer, or to their inbox, beside this one, the highest priority first."""
    found = [
        Rival(message=one.id, topic=one.topic, priority=origins.of(session, one).priority)
        for one in customer_mail.planned_beside(session, customer.id, customer.email, but)
    ]
    return sorted(found, key=lambda one: -one.priority)


def displaced(limits: Limits, lower: Sequence[Rival]) -> list[Rival]:
    """Those of a lower priority for whom there is no room once this mail has its place."""
    gone: dict[str, Rival] = {}
    for cap in limits.caps:
        counted = [one for one in lower if _counts(cap.of, one)]
        room = max(0, cap.most - len(cap.sent) - 1)
        gone |= {one.message: one for one in counted[room:]}
    return list(gone.values())


def _counts(of: str, rival: Rival) -> bool:
    return of in (EVERY_TOPIC, rival.topic)
