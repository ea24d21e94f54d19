"""May this mail go, now? Consent, suppression, lateness and send windows, as a function over facts.

It is asked when a mail is planned and again when it is claimed for sending; each answer but `Go` has a reason code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from journeys import calendar
from journeys.program import Send

REASONS: Mapping[str, str] = {
    "imported": "the send was due before the customer's history was imported",
    "no_address": "the customer has no email address",
    "invalid_address": "the customer's email address cannot be written to",
    "suppressed": "the address is suppressed (bounce, complaint, or by hand)",
    "unsubscribed": "the customer unsubscribed from this topic",
    "expired": "the mail was not sent before its `expires` passed",
    "late": "the step was overdue and its `late` policy says skip",
    "send_window": "the customer's local time lies outside the send window",
    "pre_empted": "a transition led the customer out of the stage before the mail went",
    "exited": "the enrollment ended before the mail went",
    "paused": "the enrollment is paused",
    "step_skipped": "somebody skipped the step",
    "customer_gone": "the customer no longer exists",
    "template_failed": "the template could not be rendered for this customer",
    "rejected": "the mail provider refused the message for good",
    "channel_misconfigured": "the mail provider refused our credentials; the channel waits for a person",
    "provider_busy": "the mail provider asked for a slower rate or could not be reached",
    "no_answer": "the provider took the message and gave no answer; it may or may not have gone",
    "worker_lost": "the worker died while the message was on its way; it may or may not have gone",
    "parked": "nobody could tell whether the message went, so a person decides",
}

PUNCTUAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What the policies need to know of the customer; `email` is None where there is no usable address."""

    email: str | None
    valid: bool = True
    timezone: str | None = None
    suppressed: bool = False
    unsubscribed: bool = False


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


def decide(send: Send, recipient: Recipient, *, due: datetime, now: datetime, journey_zone: str | None) -> Verdict:
    """What becomes of a mail that was due at `due`."""
    refused = _refused(send, recipient)
    if refused:
        return Skip(refused)
    if send.expires is not None and now > due + send.expires.elapsed:
        return Skip("expired")
    overdue = now - due > PUNCTUAL
    if overdue and send.late == "skip":
        return Skip("late")
    if send.window is None or (overdue and send.late == "send"):
        return Go()
    opens = calendar.next_open(send.window, now, calendar.zone_of(recipient.timezone, journey_zone))
    return Go() if opens == now else Defer(opens, "send_window")


def _refused(send: Send, recipient: Recipient) -> str | None:
    if recipient.email is None:
        return "no_address"
    if not recipient.valid:
        return "invalid_address"
    if recipient.suppressed:
        return "suppressed"
    return "unsubscribed" if recipient.unsubscribed and not send.transactional else None
