"""May this mail go, now? Consent, suppression, lateness, send windows, quiet hours and caps, as a function over facts.

It is asked when a mail is planned and again when it is claimed for sending; each answer but `Go` has a reason code.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.program.program import Send

REASONS: Mapping[str, str] = {
    "imported": "the send was due before the customer's history was imported",
    "no_address": "the customer has no email address",
    "invalid_address": "the customer's email address cannot be written to",
    "suppressed": "the address is suppressed (bounce, complaint, or by hand)",
    "no_consent": "the topic needs the customer's consent (opt_in), and there is none",
    "unconfirmed": "the customer said yes, and has not confirmed it yet by the link that was sent (double opt-in)",
    "holdout": "the customer is in the control group, which gets no mail but transactional",
    "cancelled": "the broadcast was cancelled",
    "repeated": "the customer had this broadcast already, as somebody who was merged with them",
    "sandbox": "the installation is not live yet, and the address is not among its sandbox recipients",
    "frequency_cap": "the customer has had as much mail as the cap allows; or a mail of higher priority took its place",
    "quiet_hours": "it is quiet hours where the customer is",
    "unsubscribed": "the customer unsubscribed from this topic",
    "expired": "the mail was not sent before its `expires` passed",
    "late": "the step was overdue and its `late` policy says skip",
    "send_window": "the customer's local time lies outside the send window",
    "pre_empted": "a transition led the customer out of the stage before the mail went",
    "exited": "the enrollment ended before the mail went",
    "paused": "the enrollment or its journey is paused",
    "erased": "the customer was erased",
    "step_skipped": "somebody skipped the step",
    "customer_gone": "the customer no longer exists",
    "template_failed": "the template could not be rendered for this customer",
    "rejected": "the mail provider refused the message for good",
    "channel_misconfigured": "the mail provider refused our credentials; the channel waits for a person",
    "provider_busy": "the mail provider asked for a slower rate or could not be reached",
    "no_answer": "the provider took the message and gave no answer; it may or may not have gone",
    "worker_lost": "the worker died while the message was on its way; it may or may not have gone",
    "given_up": "nobody could tell whether the message went, and a person decided to leave it",
    "parked": "nobody could tell whether the message went, so a person decides",
}

EVERY_TOPIC = "*"
GENERAL = "general"
"""The topic of mail that names none."""

PUNCTUAL = timedelta(hours=1)
MOST_ROUNDS = 60
"""A window that never meets the others gives up here, and is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What the policies need to know of the customer; `email` is None where there is no usable address.

    `consent` is what they said about the topic, None where they said nothing, or nothing that is confirmed (`pending`).
    `sandboxed` says that the installation is not live yet and this address is not among those that get mail meanwhile;
    `control` that the customer is one of those who get none, for comparison.
    """

    email: str | None
    valid: bool = True
    timezone: str | None = None
    suppressed: bool = False
    sandboxed: bool = False
    control: bool = False
    pending: bool = False
    consent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most `most` mails `of` a topic within any span of `per`; `sent` are the instants at which such mail went."""

    of: str = EVERY_TOPIC
    most: int
    per: timedelta
    sent: tuple[datetime, ...] = ()

    def frees(self, at: datetime) -> datetime:
        """The first instant from `at` on at which there is room for one more."""
        inside = sorted(one for one in self.sent if one > at - self.per)
        return at if len(inside) < self.most else max(at, inside[len(inside) - self.most] + self.per)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What holds beside the step itself: the topic's terms, quiet hours (as hours in which mail may go), and caps."""

    opt_in: bool = False
    transactional: bool = False
    awake: Window | None = None
    caps: tuple[Cap, ...] = ()
    timezone: str | None = None


ANY = House()

Limit = tuple[int, timedelta]
"""So many mails within any such span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTerms:
    """On what terms mail about a topic goes."""

    opt_in: bool = False
    transactional: bool = False
    cap: Limit | None = None


USUAL = TopicTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the installation asks of all mail, and of each topic's."""

    timezone: str | None = None
    awake: Window | None = None
    cap: Limit | None = None
    topics: Mapping[str, TopicTerms] = field(default_factory=dict[str, TopicTerms])

    def caps(self, topic: str) -> list[tuple[str, Limit]]:
        """The caps that mail of a topic stands under, each with what it counts: all mail, or the topic's."""
        own = self.topics.get(topic, USUAL).cap
        return [(of, limit) for of, limit in ((EVERY_TOPIC, self.cap), (topic, own)) if limit is not None]

    def house(self, topic: str, went: Iterable[tuple[str, datetime]], now: datetime) -> House:
        """What holds for one more mail of a topic; `went` is the topic and the instant of each mail before it."""
        of_topic, before = self.topics.get(topic, USUAL), list(went)
        return House(
            opt_in=of_topic.opt_in,
            transactional=of_topic.transactional,
            awake=self.awake,
            caps=tuple(
                Cap(
                    of=of,
                    most=most,
                    per=per,
                    sent=tuple(sorted(at for one, at in before if of in (EVERY_TOPIC, one) and at > now - per)),
                )
                for of, (most, per) in self.caps(topic)
            ),
            timezone=self.timezone,
        )


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Go:
    """The mail may go."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: ask again at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Never."""

    reason: str


Verdict = Go | Defer | Skip


def decide(
    send: Send,
    recipient: Recipient,
    *,
    due: datetime,
    now: datetime,
    journey_zone: str | None,
    house: House = ANY,
) -> Verdict:
    """What becomes of a mail that was due at `due`."""
    transactional = send.transactional or house.transactional
    refused = _refused(recipient, house, transactional)
    if refused:
        return Skip(refused)
    if send.expires is not None and now > due + send.expires.elapsed:
        return Skip("expired")
    overdue = now - due > PUNCTUAL
    if overdue and send.late == "skip":
        return Skip("late")
    windows = [] if send.window is None or (overdue and send.late == "send") else [("send_window", send.window)]
    if house.awake is not None and not transactional:
        windows.append(("quiet_hours", house.awake))
    zone = calendar.zone_of(recipient.timezone, journey_zone, house.timezone)
    at, reason = _first_instant(now, windows, () if transactional else house.caps, zone)
    if at == now:
        return Go()
    if send.expires is not None and at > due + send.expires.elapsed:
        return Skip("frequency_cap" if reason == "frequency_cap" else "expired")
    return Defer(at, reason)


def _first_instant(
    now: datetime, windows: Sequence[tuple[str, Window]], caps: Sequence[Cap], zone: ZoneInfo
) -> tuple[datetime, str]:
    """The first instant at which all windows are open and all caps have room, and what it had to wait for last."""
    at, reason = now, ""
    for _ in range(MOST_ROUNDS):
        before = at
        for cap in caps:
            at, reason = _later(at, cap.frees(at), reason, "frequency_cap")
        for name, window in windows:
            at, reason = _later(at, calendar.next_open(window, at, zone), reason, name)
        if at == before:
            break
    return at, reason


def _later(at: datetime, other: datetime, reason: str, other_reason: str) -> tuple[datetime, str]:
    return (other, other_reason) if other > at else (at, reason)


def _refused(recipient: Recipient, house: House, transactional: bool) -> str | None:
    if recipient.email is None:
        return "no_address"
    if not recipient.valid:
        return "invalid_address"
    if recipient.suppressed:
        return "suppressed"
    if not transactional and recipient.consent is False:
        return "unsubscribed"
    if not transactional and house.opt_in and recipient.consent is None:
        return "unconfirmed" if recipient.pending else "no_consent"
    if not transactional and recipient.control:
        return "holdout"
    return "sandbox" if recipient.sandboxed else None
