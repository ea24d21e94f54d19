"""What composing, freezing, claiming or a sender raises for one mail is that mail's own end."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session
from temporalio.testing import ActivityEnvironment

from services.messages.sending import claiming, sending_ledger, turns
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.messages import Message
from tests.counted import Counted
from tests.mail.one_lane import CUSTOMERS, Breaking, Provider, hand_over

pytestmark = pytest.mark.usefixtures("planned")


async def test_what_composing_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, composer: Breaking, ledger: Any
) -> None:
    composer.surprise = "u07@example.com"
    await hand_over(owner)
    assert ledger() == {"accepted": CUSTOMERS - 1, "failed unexpected_error": 1}


async def test_a_mail_for_which_no_thread_can_be_begun_has_an_end_as_well(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many threads, say, on this machine: it is open no longer, and what was to be rendered behind it goes."""
    lane = owner()
    begin, refused = lane._threads.submit, list[Any]()

    def submit(work: Any, *rest: Any) -> Any:
        if not refused:
            refused.append(work)
            raise RuntimeError("can't start new thread")
        return begin(work, *rest)

    monkeypatch.setattr(lane._threads, "submit", submit)
    await lane.pump()
    async with asyncio.timeout(30):
        await lane.drain()
    await lane.close()
    assert ledger() == {"accepted": CUSTOMERS - 1, "failed unexpected_error": 1}


async def test_what_a_sender_raises_for_one_mail_leaves_its_neighbours_their_outcomes(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    provider.raises = {"u03@example.com": KeyError("nobody expects this")}
    await hand_over(owner)
    assert ledger() == {"accepted": CUSTOMERS - 1, "unknown no_answer": 1}


async def test_what_freezing_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = sending_ledger.freeze

    def failing(session: Session, lane: str, fence: str, mails: Any, *rest: Any) -> set[str]:
        if any(mail.send_id.endswith("05") for mail, _ in mails):
            raise KeyError("a text that no database keeps, say")
        return freeze(session, lane, fence, mails, *rest)

    monkeypatch.setattr(sending_ledger, "freeze", failing)
    await hand_over(owner)
    assert ledger() == {"accepted": CUSTOMERS - 1, "failed unexpected_error": 1}


async def test_what_claiming_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = claiming._Claim._request

    def failing(self: Any, stands: Any, customer: Any, message: Any, *rest: Any) -> Any:
        if message.id.endswith("05"):
            raise KeyError("a step that is gone, say")
        return request(self, stands, customer, message, *rest)

    monkeypatch.setattr(claiming._Claim, "_request", failing)
    environment = ActivityEnvironment()
    environment.metric_meter = meter = Counted()
    await environment.run(hand_over, owner)
    assert ledger() == {"accepted": CUSTOMERS - 1, "failed unexpected_error": 1}
    assert meter.unexpected() == ["claim"]


async def test_a_mail_that_was_taken_back_before_its_customer_was_locked_is_not_claimed(
    owner: Any, ledger: Any, database: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = turns.due

    def meanwhile(session: Session, *rest: Any) -> Any:
        found = due(session, *rest)
        taken = session.get_one(Message, found.mails[0].id)
        messages.change(session, taken, MessageStatus.SKIPPED, noon, reason="exited")
        return found

    monkeypatch.setattr(turns, "due", meanwhile)
    await hand_over(owner)
    assert ledger()["skipped exited"] == 1
