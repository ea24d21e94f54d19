"""The price of the protocol: mails a second of a lane with it, against the same lane without, in turns in one run.

Without: whoever claims a mail hands it over. Nothing is frozen, and no fence is asked; what is claimed is in `sending`
at once, so that a claim is as safe as any queue's. Claims ask every policy in both, mails are composed by the same
template, go by SMTP to a server on this machine, and are recorded with their decisions and counts.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from activities.delivery.lane import MailLane
from mail.providers.smtp.sender import SmtpSender
from services.ingestion import ingest
from store import migrate
from store.ids import new_id
from store.queries.mails import messages
from store.session import Database
from waypost.chaos.smtp_sink import SmtpSink
from waypost.settings import Settings
from waypost.wiring import Parts

MAILS, ROUNDS = 1_000, 5
WANTED = 0.7
LANE = "journey"
AT_ONCE = 500
"""Customers in one transaction of the preparation."""


def main() -> None:
    sink = SmtpSink(seconds=0.0)
    sink.start()
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        parts = Parts(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                home=Path(folder),
                secret="a secret of the bench",
                sender="Shop <hello@shop.example>",
                postal_address="1 Main Street, Springfield",
                public_url="https://mail.shop.example",
            )
        )
        migrate.upgrade(parts.database.engine)
        _customers(parts.database)
        _plan(parts.database)
        asyncio.run(_round(parts, sink, guarded=True))  # what is done once is in no rate
        rates: dict[bool, list[float]] = {True: [], False: []}
        for one in range(ROUNDS * 2):
            guarded = one % 4 in (0, 3)  # in turns, and not always the same one first
            _plan(parts.database)
            rates[guarded].append(asyncio.run(_round(parts, sink, guarded=guarded)))
        parts.close()
    sink.stop()
    with_it, without = statistics.median(rates[True]), statistics.median(rates[False])
    told = f"{with_it:.0f} mails a second with the protocol, {without:.0f} without"
    print(f"{told}: {with_it / without:.2f} (wanted at least {WANTED}); rounds {rates}")


def _customers(database: Database) -> None:
    now = datetime.now(UTC)
    for first in range(0, MAILS, AT_ONCE):
        batch = [
            {"type": "identify", "userId": f"u{one}", "traits": {"email": f"u{one}@example.com", "first_name": "Ann"}}
            for one in range(first, min(first + AT_ONCE, MAILS))
        ]
        database.write(lambda session, batch=batch: ingest.ingest(session, batch, now))


def _plan(database: Database) -> None:
    """A mail to each of them is due."""
    now = datetime.now(UTC)

    def work(session: Session) -> None:
        ids = [one for (one,) in session.connection().execute(text("SELECT id FROM customer"))]
        about: dict[str, Any] = {"template": "thank_you", "topic": "news", "lane": LANE, "due": now, "now": now}
        messages.add(session, [messages.row(new_id("msg"), one, not_before=now, **about) for one in ids])

    database.write(work)


async def _round(parts: Parts, sink: SmtpSink, *, guarded: bool) -> float:
    """Hand all over; mails a second, counted at the server."""
    sender = SmtpSender(f"smtp://127.0.0.1:{sink.port}")
    lane = MailLane(LANE, parts.database, parts.composer, sender, lambda: datetime.now(UTC))
    lane.take()
    with nullcontext() if guarded else _without_protocol(lane):
        before, began = sum(sink.got.values()), time.perf_counter()
        while await lane.pump():
            pass
        await lane.drain()
        took = time.perf_counter() - began
        await lane.close()
        await sender.close()
    came = sum(sink.got.values()) - before
    assert came == MAILS, f"{came} of {MAILS} mails came"
    return came / took


@contextmanager
def _without_protocol(lane: Any) -> Iterator[None]:
    """Who claims a mail hands it over: it is in `sending` by the same transaction, and nothing is asked again."""
    claim = messages.claim

    def claimed(session: Session, ids: Sequence[str], fence: str, now: datetime) -> set[str]:
        mine = claim(session, ids, fence, now)
        session.connection().execute(text("UPDATE message SET status = 'sending' WHERE status = 'claimed'"))
        return mine

    messages.claim = claimed
    lane._hand_over._freeze = lambda group: {mail.send_id for _, mail, _ in group}
    try:
        yield
    finally:
        messages.claim = claim
