"""How customers stand as to mail: what the policies need to know before a mail may go, for many of them at once.

Under a cap, mail that is planned and not claimed counts as sent where it is of the same or a higher priority; mail of a
lower priority gives way (skipped: `frequency_cap`). The customers' locks are held, so two journeys cannot both take the
last place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.rules.policy import EVERY_TOPIC, InstallationTerms, Limits, Recipient, TopicTerms
from services.customers import profiles
from services.definitions import topics
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.messages import origins
from store.queries import consents, customer_mail, suppressions
from store.queries import topics as topic_rows
from store.tables.customers import Customer
from store.tables.definitions import Topic

OPT_IN = ("opt_in", "double_opt_in")
"""The kinds of consent under which silence is a no."""

NOBODY = Recipient(email=None)
"""Somebody who cannot be written to: no address, or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Mail to the same customer that is planned and not claimed."""

    message: str
    topic: str
    priority: int


class Recipients:
    """These customers as the policies see them, with the terms of every topic."""

    def __init__(
        self, session: Session, people: Sequence[Customer], settings: InstallationSettings, now: datetime
    ) -> None:
        self._settings = settings
        self._now = now
        self._topics = {one.key: one for one in topic_rows.listed(session)}
        self._terms = terms(settings, self._topics.values())
        self._suppressed = suppressions.among(session, {one.email.lower() for one in people if one.email})
        ids = [one.id for one in people]
        self._said = {(one.customer_id, one.topic): one for one in consents.of_customers(session, ids)}
        self._went = self._counted(session, ids)

    def recipient(self, customer: Customer | None, topic: str) -> Recipient:
        """The customer as one who is to get mail of this topic."""
        if customer is None or customer.email is None:
            return NOBODY
        said, everything = self._said.get((customer.id, topic)), self._said.get((customer.id, EVERY_TOPIC))
        consent = said.granted if said is not None and not said.pending else None
        return Recipient(
            email=customer.email,
            valid=profiles.writable(customer.email),
            timezone=customer.timezone,
            suppressed=customer.email.lower() in self._suppressed,
            sandboxed=installation_settings.sandboxed(self._settings, customer.email),
            control=installation_settings.controlled(self._settings, customer.id),
            pending=said is not None and said.pending,
            consent=False if everything is not None and not everything.granted else consent,
        )

    def limits(self, customer_id: str, topic: str, ahead: Sequence[Rival] = ()) -> Limits:
        """What holds for a mail of this topic to this customer; what is `ahead` counts as sent now."""
        before = [*self._went.get(customer_id, ()), *((one.topic, self._now) for one in ahead)]
        return self._terms.limits(topic, before, self._now)

    def topic_name(self, topic: str) -> str:
        """What a topic is called before people."""
        return topics.spoken_of(self._topics.get(topic), topic)

    def capped(self, topic: str) -> bool:
        """Whether mail of this topic stands under a cap at all."""
        return bool(self._terms.caps(topic))

    def goes(self, customer_id: str, topic: str) -> None:
        """One more mail goes now, and counts for those that come after it."""
        self._went[customer_id].append((topic, self._now))

    def _counted(self, session: Session, ids: Sequence[str]) -> defaultdict[str, list[tuple[str, datetime]]]:
        """Topic and instant of the mail that these customers had within the longest cap, where there is any."""
        spans = [per for topic in (*self._topics, "") for _, (_, per) in self._terms.caps(topic)]
        found: defaultdict[str, list[tuple[str, datetime]]] = defaultdict(list)
        if spans:
            for customer_id, topic, at in customer_mail.counted_since(session, ids, self._now - max(spans)):
                found[customer_id].append((topic, at))
        return found


def terms(settings: InstallationSettings, rows: Iterable[Topic]) -> InstallationTerms:
    """The settings of the installation and of its topics, as the policies know them."""
    quiet, cap = settings.quiet_hours, settings.cap
    return InstallationTerms(
        timezone=settings.timezone,
        awake=Window(opens=calendar.parse_time(quiet.to), closes=calendar.parse_time(quiet.begin)) if quiet else None,
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


def present_terms(session: Session) -> InstallationTerms:
    """Those that hold now."""
    return terms(installation_settings.load(session), topic_rows.listed(session))


def rivals(session: Session, customer_id: str, but: str) -> list[Rival]:
    """Planned mail to the customer beside this one, the highest priority first."""
    found = [
        Rival(message=one.id, topic=one.topic, priority=origins.of(session, one).priority)
        for one in customer_mail.planned_beside(session, customer_id, but)
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
