"""May this mail go, now? Consent, suppression, lateness, send windows, quiet hours and caps, as a function over facts.

It is asked when a mail is planned and again when it is claimed for sending; each answer but `Allowed` has a reason
code. Whatever ordered the mail (a step, a broadcast, the product itself), it is asked with the terms that were stated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.program.send_terms import SendTerms
from journeys.rules.awaited import ADDRESS_AWAITED, ASKED_AGAIN, NEVER_MET, NO_ADDRESS_YET, NO_COMMON_HOUR

REASONS: Mapping[str, str] = {
    "imported": "the send was due before the customer's history was imported",
    "no_address": "the customer has no email address",
    "no_address_yet": "the customer has no email address yet, and the mail waits for one",
    "invalid_address": "the customer's email address cannot be written to",
    "suppressed": "the address is suppressed (bounce, complaint, or by hand)",
    "no_consent": "the topic needs the customer's consent (opt_in), and there is none",
    "unconfirmed": "the customer said yes, and has not confirmed it yet by the link that was sent (double opt-in)",
    "not_mailable": "the customer is in a stage that is not to be written to (`mailable: false`)",
    "holdout": "the customer is in the control group, which gets no mail but transactional",
    "cancelled": "the broadcast was cancelled",
    "repeated": "the inbox has this broadcast already, by another customer with this address, or as one who was merged",
    "sandbox": "the installation is not live yet, and the address is not among its sandbox recipients",
    "frequency_cap": "the customer has had as much mail as the cap allows; or a mail of higher priority took its place",
    "quiet_hours": "it is quiet hours where the customer is",
    "unsubscribed": "the customer unsubscribed from this topic",
    "expired": "the mail was not sent before its `expires` passed",
    "no_common_hour": "its send window and quiet hours leave no hour in which it may go",
    "late": "the step was overdue and its `late` policy says skip",
    "send_window": "the customer's local time lies outside the send window",
    "pre_empted": "a transition led the customer out of the stage before the mail went",
    "exited": "the enrollment ended before the mail went",
    "paused": "the enrollment or its journey is paused",
    "erased": "the customer was erased",
    "step_skipped": "somebody skipped the step",
    "other_version": "the mail waited, and its step is another one in the version that the customer was moved to",
    "sent_before": "the customer was sent the same mail before they were moved to another version",
    "customer_gone": "the customer no longer exists",
    "template_failed": "the template could not be rendered for this customer",
    "unexpected_error": "something failed that nobody foresaw; the worker's log has the traceback",
    "rejected": "the mail provider refused the message for good",
    "channel_misconfigured": "the mail provider refused our credentials; the channel waits for a person",
    "provider_busy": "the mail provider asked for a slower rate or could not be reached",
    "no_answer": "the provider took the message and gave no answer; it may or may not have gone",
    "restored": "a backup was restored, and the message may have gone after the backup was taken",
    "worker_lost": "the worker died while the message was on its way; it may or may not have gone",
    "given_up": "nobody could tell whether the message went, and a person decided to leave it",
    "parked": "nobody could tell whether the message went, so a person decides",
}
"""Why a mail does not go, or not yet, by code; the table in the documentation is made of it."""

EVERY_TOPIC = "*"
"""All topics at once: a consent, or the cap over all mail."""

PUNCTUAL = timedelta(hours=1)
"""A mail that is later than this is overdue: then its `late` says what becomes of it."""

MOST_ROUNDS = 60
"""A window that never meets the others gives up here, and is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What the policies need to know of the customer; `email` is None where there is no usable address.

    `consent` is what they said about the topic, None where they said nothing, or nothing that is confirmed (`pending`).
    `sandboxed` says that the installation is not live yet and this address is not among those that get mail meanwhile;
    `control` that the customer is one of those who get none, for comparison; not `mailable`, that a stage in which they
    are is not to be written to.
    """

    email: str | None
    valid: bool = True
    timezone: str | None = None
    suppressed: bool = False
    sandboxed: bool = False
    control: bool = False
    pending: bool = False
    mailable: bool = True
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
class Limits:
    """What holds for one more mail of a topic to one customer: the topic's terms, the hours in which mail may go, caps.

    `awake` is what quiet hours leave of the day, by the customer's clock, else by `timezone`.
    """

    opt_in: bool = False
    transactional: bool = False
    awake: Window | None = None
    caps: tuple[Cap, ...] = ()
    timezone: str | None = None


NO_LIMITS = Limits()
"""Of mail that nothing restricts."""

CapRule = tuple[int, timedelta]
"""So many mails within any such span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTerms:
    """On what terms mail about a topic goes."""

    opt_in: bool = False
    transactional: bool = False
    cap: CapRule | None = None


USUAL = TopicTerms()
"""Of a topic that nobody has given terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationTerms:
    """What the installation asks of all mail, and of each topic's."""

    timezone: str | None = None
    awake: Window | None = None
    cap: CapRule | None = None
    topics: Mapping[str, TopicTerms] = field(default_factory=dict[str, TopicTerms])

    @property
    def capped(self) -> bool:
        """Whether any mail stands under a cap."""
        return self.cap is not None or any(one.cap is not None for one in self.topics.values())

    def caps(self, topic: str) -> list[tuple[str, CapRule]]:
        """The caps that mail of a topic stands under, each with what it counts: all mail, or the topic's."""
        own = self.topics.get(topic, USUAL).cap
        return [(of, rule) for of, rule in ((EVERY_TOPIC, self.cap), (topic, own)) if rule is not None]

    def limits(self, topic: str, went: Iterable[tuple[str, datetime]], now: datetime) -> Limits:
        """What holds for one more mail of a topic; `went` is the topic and the instant of each mail before it."""
        of_topic, before = self.topics.get(topic, USUAL), list(went)
        return Limits(
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


NO_TERMS = InstallationTerms()
"""Of an installation that restricts nothing."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The mail may go now."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: ask again at `until` (UTC)."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Never."""

    reason: str


Verdict = Allowed | Deferred | Skipped
"""What the policies say of a mail."""

ALLOWED = Allowed()
"""The only one there is."""


def full(limits: Limits, at: datetime) -> Cap | None:
    """The cap that lets no more mail go `at` an instant; of several the one that has room last."""
    blocking = [cap for cap in limits.caps if cap.frees(at) > at]
    return max(blocking, key=lambda cap: cap.frees(at), default=None)


def transactional(terms: SendTerms, limits: Limits) -> bool:
    """Whether this is mail that the customer needs, which goes without consent, at any hour and beside the caps."""
    return terms.transactional or limits.transactional


def let_past(terms: SendTerms, limits: Limits) -> tuple[SendTerms, Limits]:
    """The same, where a person lets this one mail past hours and caps; every other policy is asked as ever."""
    return replace(terms, window=None), replace(limits, awake=None, caps=())


def decide(
    terms: SendTerms,
    recipient: Recipient,
    *,
    due: datetime,
    now: datetime,
    limits: Limits = NO_LIMITS,
    awaits_address: bool = False,
) -> Verdict:
    """What becomes of a mail ordered on these terms that was due at `due`; a reason is a key of REASONS.

    One that `awaits_address` is put off where the customer has none, until its `expires`, else ADDRESS_AWAITED.
    It reads nothing but its arguments and costs some 30 µs: it may be asked for a whole batch under a lock.
    """
    free = transactional(terms, limits)
    unwanted = None if free else _unwanted(terms, recipient, limits)
    if awaits_address and recipient.email is None:
        return Skipped(unwanted) if unwanted else _awaited(terms, due, now)
    refused = _unreachable(recipient) or unwanted
    if refused or recipient.sandboxed:
        return Skipped(refused or "sandbox")
    if not free and _never_meet(terms, limits):
        return _never_met(terms, due, now)
    if terms.expires is not None and now > due + terms.expires:
        return Skipped("expired")
    overdue = now - due > PUNCTUAL
    if overdue and terms.late == "skip":
        return Skipped("late")
    windows = [] if terms.window is None or (overdue and terms.late == "send") else [("send_window", terms.window)]
    if limits.awake is not None and not free:
        windows.append(("quiet_hours", limits.awake))
    caps = () if free else limits.caps
    if not windows and not caps:
        return ALLOWED
    zone = calendar.zone_of(recipient.timezone, terms.timezone, limits.timezone)
    at, reason = _first_instant(now, windows, caps, zone)
    if at == now:
        return ALLOWED
    if terms.expires is not None and at > due + terms.expires:
        return Skipped("frequency_cap" if reason == "frequency_cap" else "expired")
    return Deferred(at, reason)


def _never_meet(terms: SendTerms, limits: Limits) -> bool:
    return terms.window is not None and limits.awake is not None and not calendar.meet(terms.window, limits.awake)


def _never_met(terms: SendTerms, due: datetime, now: datetime) -> Verdict:
    """Somebody may mend the hours, so it waits as long as it may, and is told all the while."""
    ends = due + (terms.expires or NEVER_MET)
    return Skipped(NO_COMMON_HOUR) if now >= ends else Deferred(min(ends, now + ASKED_AGAIN), NO_COMMON_HOUR)


def _awaited(terms: SendTerms, due: datetime, now: datetime) -> Verdict:
    ends = due + (terms.expires or ADDRESS_AWAITED)
    return Skipped("no_address") if now >= ends else Deferred(ends, NO_ADDRESS_YET)


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


def _unreachable(recipient: Recipient) -> str | None:
    if recipient.email is None:
        return "no_address"
    if not recipient.valid:
        return "invalid_address"
    return "suppressed" if recipient.suppressed else None


def _unwanted(terms: SendTerms, recipient: Recipient, limits: Limits) -> str | None:
    """Why mail that is not transactional does not go."""
    if recipient.consent is False:
        return "unsubscribed"
    if limits.opt_in and recipient.consent is None:
        return "unconfirmed" if recipient.pending else "no_consent"
    if not (terms.mailable and recipient.mailable):
        return "not_mailable"
    return "holdout" if recipient.control else None
