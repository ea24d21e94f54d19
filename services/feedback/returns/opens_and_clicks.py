"""Opens and clicks that come by our own links: counted once, and those of machines set apart.

An open is judged at once: proxies that load pictures before anybody reads, and scanners, are known by their name, or by
being quicker than a person. A click waits some seconds for its neighbours: who follows every link of a mail (or three)
within seconds is a scanner, and so is who only asks for headers. What people did goes the way of a provider's report.

No key is asked for, so what is kept is bounded: of the opens of a mail within ONCE_IN, and of the clicks on one of its
links, the first is an event (a machine's beside a person's). Those after it are repeats: they are counted on the mail,
which has one row for its opens and one for its clicks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session

from services.feedback.returns import delivery_events
from store.ids import new_id
from store.queries.feedback import delivery_events as delivery_event_rows
from store.queries.feedback import engagements, pending_clicks
from store.queries.identity import customers
from store.queries.mails import message_bodies, messages
from store.tables.messages import Message, PendingClick

PROVIDER = "waypost"
"""Who reports what comes by our own links."""

SETTLES = timedelta(seconds=10)
"""How long a click waits for its neighbours (ADR 10): a scanner follows the links of a mail within seconds."""

TOGETHER = timedelta(seconds=10)
"""Clicks that are no further apart are neighbours: no more than a click waits, or one would be judged without them."""

QUICK = timedelta(seconds=2)
"""So soon after the provider took the mail nobody has read it."""

ONCE_IN = timedelta(hours=1)
"""Within so long an open of a mail, and a click on one of its links, is kept once for people and once for machines: the
links ask for no key, and whoever has one may follow it a million times."""

MANY = 3
"""Different links within TOGETHER: a person opens one or two."""

PAGE = 200
"""Clicks judged in one transaction, which holds the locks of as many customers."""

LONGEST_AGENT = 400
"""Characters of a User-Agent that are looked at: what names a machine stands near its beginning, and anybody may send
megabytes."""

_MACHINES = re.compile(
    r"bot\b|crawl|spider|scan|preview|proofpoint|barracuda|mimecast|safelinks|python|curl|wget|go-http|java/|headless",
    re.IGNORECASE,
)
_APPLE = "Mozilla/5.0"
"""Apple's Mail Privacy Protection loads every picture when the mail arrives, and calls itself this and no more."""


EngagementKind = Literal["opened", "clicked"]
"""What comes by our own links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engaged:
    """An open or a click, as `feedback` takes reports."""

    send_id: str
    kind: str
    at: datetime
    url: str | None = None
    reason: str | None = None
    machine: bool = False
    name: str | None = None


def open_of(session: Session, send_id: str, agent: str, now: datetime) -> Engaged | None:
    """What it means that a program has loaded the pixel of a mail; None where the mail is not here."""
    message = session.get(Message, send_id)
    if message is None:
        return None
    machine = by_machine(agent) or agent.strip() == _APPLE or _too_quick(message, now)
    return Engaged(send_id=send_id, kind="opened", at=now, machine=machine)


def keep_open(session: Session, report: Engaged, times: int) -> bool:
    """Count an open, `times` of them, and keep it as an event unless it is a repeat; whether it was kept."""
    if not _count(session, report, times):
        return False
    kept = fresh(session, [report])
    delivery_events.take(session, kept, PROVIDER, report.at)
    return bool(kept)


def keep_click(session: Session, click: PendingClick, times: int) -> bool:
    """Count a click, `times` of them, and keep it to be judged unless it is a repeat; whether it was kept."""
    report = report_of(click)
    if not _count(session, report, times) or not fresh(session, [report]):
        return False
    waiting = pending_clicks.of_messages(session, {click.message_id}).get(click.message_id, ())
    if _said(report) in {_said(report_of(one)) for one in waiting}:
        return False
    session.add(click)
    return True


def _count(session: Session, report: Engaged, times: int) -> bool:
    """Under the lock of the mail's owner, so that whoever is erased or merged meanwhile leaves no count behind."""
    owners = messages.owners(session, {report.send_id})
    if not customers.lock_all(session, owners.values()):
        return False
    engagements.count(session, report.send_id, report.kind, owners[report.send_id], times, report.at)
    return True


def fresh(session: Session, reports: Sequence[Engaged]) -> Sequence[Engaged]:
    """Those that do not repeat what was kept within the time before them."""
    since = min((one.at for one in reports), default=None)
    if since is None:
        return []
    ids = {one.send_id for one in reports}
    known = delivery_event_rows.last_since(session, ids, PROVIDER, since - ONCE_IN)
    return [one for one in reports if (last := known.get(_said(one))) is None or last <= one.at - ONCE_IN]


def _said(report: Engaged) -> tuple[str, str, str | None, bool]:
    return report.send_id, report.kind, report.url, report.machine


def target_of(session: Session, send_id: str, number: int) -> str | None:
    """Where a link of a mail leads; None where the mail is not here, or has no such link."""
    urls = message_bodies.urls(session, send_id)
    return urls[number] if 0 <= number < len(urls) else None


def click_of(
    session: Session, send_id: str, url: str, agent: str, headers_alone: bool, now: datetime
) -> PendingClick | None:
    """A click that is to be judged; None where the mail is not here."""
    message = session.get(Message, send_id)
    if message is None:
        return None
    machine = headers_alone or by_machine(agent) or _too_quick(message, now)
    return PendingClick(
        id=new_id("clk"), message_id=send_id, customer_id=message.customer_id, at=now, url=url, machine=machine
    )


def by_machine(agent: str) -> bool:
    """Whether a program that calls itself this is nobody's mail program or browser."""
    return not agent.strip() or _MACHINES.search(agent[:LONGEST_AGENT]) is not None


def _too_quick(message: Message, now: datetime) -> bool:
    return message.accepted_at is None or now - message.accepted_at < QUICK


def drop_next(session: Session, now: datetime, error: str) -> None:
    """The next click fails unexpectedly: it is not counted."""
    for one in pending_clicks.first_by(session, now - SETTLES, 1):
        session.delete(one)


def judge_due(session: Session, now: datetime, limit: int = PAGE) -> int:
    """Judge the clicks that have waited long enough, `limit` at most, and pass them on; return how many there were."""
    due = pending_clicks.first_by(session, now - SETTLES, limit)
    ids = {one.message_id for one in due}
    every, links = pending_clicks.of_messages(session, ids), message_bodies.link_counts(session, ids)
    reports: list[Engaged] = []
    for one in sorted(due, key=lambda click: click.message_id):
        _judge(one, every[one.message_id], links.get(one.message_id, 0))
        reports.append(report_of(one))
    delivery_events.take(session, fresh(session, _once_each(reports)), PROVIDER, now)
    for one in due:
        session.delete(one)
    return len(due)


def _judge(click: PendingClick, every: Sequence[PendingClick], links: int) -> None:
    """Mark a machine's click, and with it those that came together: they are judged when this one is gone.

    A machine follows all the links of a mail, or several, at once; or the same link that it asked about before.
    """
    near = [one for one in every if abs(one.at - click.at) <= TOGETHER]
    urls = {one.url for one in near}
    if (links > 1 and len(urls) == links) or len(urls) >= MANY:
        for one in near:
            one.machine = True
    elif click.machine:
        for one in near:
            one.machine = one.machine or one.url == click.url


def _once_each(reports: Sequence[Engaged]) -> Sequence[Engaged]:
    """The first of those that say the same: all of a batch are within seconds."""
    first: dict[tuple[Any, ...], Engaged] = {}
    for one in sorted(reports, key=lambda report: report.at):
        first.setdefault((one.send_id, one.url, one.machine), one)
    return list(first.values())


def report_of(click: PendingClick) -> Engaged:
    """What a click reports."""
    return Engaged(send_id=click.message_id, kind="clicked", at=click.at, url=click.url, machine=click.machine)
