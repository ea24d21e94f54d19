"""Calls that take minutes: lanes share their number, and a worker that stops waits for none."""

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from activities.delivery import call_slots
from activities.delivery.call_slots import CallSlots
from activities.delivery.lane import MailLane
from mail.composing import Composer
from store.queries.mails import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.messages import Message
from tests.mail.one_lane import CUSTOMERS, LANE, Provider, in_calls, until

pytestmark = pytest.mark.usefixtures("planned")


async def test_a_call_that_takes_long_gives_its_slot_to_another_mail(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "LONG", 0.2)
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    await until(lambda: provider.in_call == 3 * provider.at_once)
    await asyncio.sleep(0.5)
    assert (provider.in_call, lane.takes_long()) == (3 * provider.at_once, True), "twice as many take long, no more"
    assert ledger() == {"sending": 3 * provider.at_once, "claimed": CUSTOMERS - 3 * provider.at_once}
    provider.answers.set()
    await lane.drain()
    assert (ledger(), lane.takes_long()) == ({"accepted": CUSTOMERS}, False)
    await lane.close()


async def test_lanes_share_the_calls_and_freeze_nothing_that_would_have_to_wait_for_one(
    database: Database, composer: Composer, provider: Provider, ledger: Any, clock: Any
) -> None:
    slots = CallSlots(provider.at_once)
    lanes = [MailLane(name, database, composer, provider, clock, slots=slots) for name in (LANE, "journey")]
    for lane in lanes:
        lane.take()
    with database.writing() as session:
        for one in session.exec(select(Message)).all()[: CUSTOMERS // 2]:
            messages.change(session, one, MessageStatus.PLANNED, clock(), lane="journey")
    provider.answers.clear()
    for lane in lanes:
        await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    await asyncio.sleep(0.2)
    assert ledger() == {"sending": provider.at_once, "claimed": CUSTOMERS - provider.at_once}
    provider.answers.set()
    for lane in lanes:
        await lane.drain()
        await lane.close()
    assert ledger() == {"accepted": CUSTOMERS}


async def test_a_worker_that_stops_gives_the_rest_back_at_once_however_long_its_calls_take(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    lane = await in_calls(owner, provider)
    closing = asyncio.create_task(lane.close())
    await until(lambda: ledger() == {"sending": provider.at_once, "planned": CUSTOMERS - provider.at_once})
    assert not closing.done()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    owner()
    assert ledger() == {"unknown worker_lost": provider.at_once, "planned": CUSTOMERS - provider.at_once}
    provider.answers.set()


async def test_what_was_answered_by_then_is_recorded_by_a_worker_that_waits_no_longer(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    lane = owner()
    await lane.pump()
    await lane.drain(down_to=CUSTOMERS)
    provider.answers.clear()
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.05)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    found = ledger()
    assert found["accepted"] + found["planned"] + found["claimed"] + found["sending"] == CUSTOMERS
    assert found["sending"] == provider.in_call
    provider.answers.set()
