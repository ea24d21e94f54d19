"""Mails share what costs: one transaction freezes or records whatever is ready when the one before it has ended."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import Session

from activities.delivery import hand_over as hand_overs
from activities.delivery import lane as lanes_of_mail
from activities.delivery.hand_over import HandOver
from mail.message import Mail
from services.messages.sending import sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from tests.mail.one_lane import CUSTOMERS, Breaking, Provider, hand_over, until

pytestmark = pytest.mark.usefixtures("planned")


async def test_answers_that_come_while_mails_are_frozen_are_recorded_together(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of the second group takes its time; four answers come meanwhile."""
    freeze, record = HandOver._freeze, sending_ledger.record
    groups, recorded = list[int](), list[int]()
    slow, goes_on = threading.Event(), threading.Event()

    def freezing(self: HandOver, group: Any) -> set[str]:
        groups.append(len(group))
        if sum(groups) == CUSTOMERS:
            slow.set()
            goes_on.wait(30)
        return freeze(self, group)

    def recording(session: Session, fence: str, results: Sequence[AttemptResult], *rest: Any) -> None:
        recorded.append(len(results))
        record(session, fence, results, *rest)

    provider.at_once = CUSTOMERS
    monkeypatch.setattr(HandOver, "_freeze", freezing)
    monkeypatch.setattr(sending_ledger, "record", recording)
    provider.answers.clear()
    lane = owner()
    pumping = asyncio.create_task(lane.pump())
    await until(slow.is_set)
    await until(lambda: provider.in_call == CUSTOMERS - groups[-1])
    provider.answers.set()
    await until(lambda: provider.in_call == 0)
    assert recorded == [], "the ledger is another's"
    goes_on.set()
    await pumping
    await lane.drain()
    await lane.close()
    assert ledger() == {"accepted": CUSTOMERS}
    assert recorded[0] >= CUSTOMERS - groups[-1]


async def test_a_lane_with_more_to_do_claims_before_all_that_it_claimed_is_done(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_of_mail, "BATCH", 5)
    provider.answers.clear()
    lane = owner()
    assert [await lane.pump(), await lane.pump()] == [5, 5]
    await until(lambda: provider.in_call == provider.at_once)
    provider.answers.set()
    while await lane.pump():
        pass
    await lane.drain()
    await lane.close()
    assert ledger() == {"accepted": CUSTOMERS}


async def test_a_lane_whose_channel_fails_waits_for_what_it_claimed(
    owner: Any, provider: Provider, ledger: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each claim lets one more mail try, which may be unknown then."""
    monkeypatch.setattr(lanes_of_mail, "BATCH", 10)
    monkeypatch.setattr(lanes_of_mail, "PATIENCE", 60.0)
    provider.raises = {f"u{number:02}@example.com": KeyError("it broke") for number in range(CUSTOMERS)}
    lane = owner()
    while await lane.pump():
        pass
    await lane.drain()
    await lane.close()
    assert ledger()["unknown no_answer"] <= 5 + provider.at_once


async def test_a_mail_that_takes_its_time_holds_none_back_that_was_to_be_rendered_behind_it(
    owner: Any, composer: Breaking, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five go to a thread together; the first that takes longer than WITHIN is told of by itself."""
    compose, waits = composer.compose, threading.Event()
    monkeypatch.setattr(lanes_of_mail, "WITHIN", 0.0)

    def held(request: Any, now: Any) -> Mail:
        if request.to == "u01@example.com":
            waits.wait(30)
        return compose(request, now)

    monkeypatch.setattr(composer, "compose", held)
    lane = owner()
    pumping = asyncio.create_task(lane.pump())
    await until(lambda: len(provider.got) >= 3 * CUSTOMERS // 4)
    assert ledger()["accepted"] < CUSTOMERS
    waits.set()
    await pumping
    await lane.drain()
    await lane.close()
    assert ledger() == {"accepted": CUSTOMERS}


async def test_mails_that_are_rendered_together_fail_alone(owner: Any, composer: Breaking, ledger: Any) -> None:
    composer.surprise = "u00@example.com"
    await hand_over(owner)
    assert ledger() == {"accepted": CUSTOMERS - 1, "failed unexpected_error": 1}


async def test_an_owner_that_stops_while_it_freezes_keeps_no_call_of_the_others(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has taken the next free call already, and waits behind whoever stops it."""
    freeze, freezing, goes_on = HandOver._freeze, threading.Event(), threading.Event()

    def slowly(self: HandOver, group: Any) -> set[str]:
        freezing.set()
        goes_on.wait(30)
        return freeze(self, group)

    provider.at_once = CUSTOMERS
    monkeypatch.setattr(HandOver, "_freeze", slowly)
    lane = owner()
    hands = lane._hand_over
    slots = hands._slots
    pumping = asyncio.create_task(lane.pump())
    await until(freezing.is_set)
    await until(lambda: hands._ready.qsize() > 0 and not slots.locked())
    closing = asyncio.create_task(lane.close())
    await until(lambda: bool(hands._freezing._waiters))
    goes_on.set()
    await asyncio.gather(pumping, closing)
    taken = [await asyncio.wait_for(slots.take(), 5) for _ in range(provider.at_once)]
    assert len(taken) == provider.at_once
    assert ledger()["accepted"] + ledger()["planned"] == CUSTOMERS


async def test_what_was_heard_is_recorded_by_an_owner_that_waits_no_longer_though_a_freeze_hangs(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be killed now, and what the provider took would be unknown."""
    freeze, goes_on, groups = HandOver._freeze, threading.Event(), list[int]()

    def hangs(self: HandOver, group: Any) -> set[str]:
        groups.append(len(group))
        if len(groups) > 1:
            goes_on.wait(60)
        return freeze(self, group)

    provider.at_once = CUSTOMERS
    monkeypatch.setattr(hand_overs, "LAST", 2.0)
    monkeypatch.setattr(HandOver, "_freeze", hangs)
    lane = owner()
    await lane.pump()
    await until(lambda: len(groups) > 1 and len(provider.got) == groups[0])
    closing = asyncio.create_task(lane.close())
    await until(lambda: bool(lane._hand_over._freezing._waiters))
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert ledger()["accepted"] == groups[0]
    goes_on.set()
