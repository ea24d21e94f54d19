"""What is counted of the mails that reports come about: each thing once a mail, on the day on which it was accepted."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from store.queries.feedback.delivery_events import Told
from store.queries.figures import mail_results, message_counts
from store.queries.figures.message_counts import ARRIVED, Came
from store.tables.messages import Message

RANK: Mapping[str, int] = {
    "accepted": 0, "deferred": 1, "dropped": 2, "blocked": 3, "bounced": 4, "delivered": 5, "opened": 6, "clicked": 7,
    "unsubscribed": 8, "complained": 9, "resubscribed": -1, "unknown": -1,
}  # fmt: skip
"""How far a mail is: a report of a lower rank moves it no further, and one of rank -1 never. What it brings
about, as a suppression, happens all the same."""

OPENING = {"opened", "clicked"}
"""Whoever clicks has opened, whether or not pictures were loaded."""

_RESULTS: Mapping[Came, str] = {
    "arrived": mail_results.DELIVERED,
    "complained": mail_results.COMPLAINED,
    "opened": mail_results.OPENED,
    "clicked": mail_results.CLICKED,
}
"""What it is called where mails are compared with each other."""


class CountedReport(Protocol):
    """A report, as far as it is counted."""

    @property
    def kind(self) -> Any: ...
    @property
    def at(self) -> datetime: ...
    @property
    def machine(self) -> bool: ...


def arrived(delivery: str | None) -> bool:
    """Whether a mail that is so far has reached its inbox."""
    return delivery in ARRIVED


def count(
    session: Session,
    report: CountedReport,
    message: Message,
    before: str | None,
    earlier: Sequence[Told],
    *,
    left: bool,
) -> None:
    """Count what is true of a mail since this report; `before` is how far it was, `earlier` what was reported of it.

    `left` says that its topic was left by one of its links, which is counted already.
    """
    accepted_at = message.accepted_at or report.at
    for came in _first_times(report, before, message.delivery, {one.kind for one in earlier if not one.machine}):
        _count(session, message, came, accepted_at)
    if arrived(before) and not arrived(message.delivery):
        _count(session, message, "arrived", accepted_at, -1)
    if report.machine and report.kind == "opened" and not any(one.machine and one.kind == "opened" for one in earlier):
        mail_results.tally(session).happened(message, accepted_at, mail_results.OPENED_BY_MACHINES)
    if report.kind == "unsubscribed" and not (left or any(one.kind == "unsubscribed" for one in earlier)):
        mail_results.tally(session).happened(message, accepted_at, mail_results.UNSUBSCRIBED)


def _first_times(report: CountedReport, before: str | None, after: str | None, done: set[str]) -> Iterator[Came]:
    """What is true of a mail since this report, and was not before: each is counted once for each mail."""
    if arrived(after) and not arrived(before):
        yield "arrived"
    if after == "complained" and before != "complained":
        yield "complained"
    if not report.machine:
        if report.kind in OPENING and not done & OPENING:
            yield "opened"
        if report.kind == "clicked" and "clicked" not in done:
            yield "clicked"


def _count(session: Session, message: Message, came: Came, accepted_at: datetime, by: int = 1) -> None:
    """By the journey or broadcast, by the topic, and by the kind of mail; `by` is -1 for what was not so after all."""
    counts = message_counts.tally(session)
    if message.journey:
        counts.came("journey", message.journey, came, accepted_at, by=by)
    if message.broadcast is not None:
        counts.came("broadcast", message.broadcast, came, accepted_at, message.variant or "", by=by)
    counts.came("topic", message.topic, came, accepted_at, by=by)
    mail_results.tally(session).happened(message, accepted_at, _RESULTS[came], by)
