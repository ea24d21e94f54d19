"""Freezing is the fence: what is claimed and not frozen goes back, and a lost owner hands nothing more over."""

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from activities.delivery import hand_over
from services.messages.sending import sending_ledger
from store.session import Database
from tests.mail.one_lane import CUSTOMERS, Provider, in_calls, until

pytestmark = pytest.mark.usefixtures("planned")


async def test_a_lost_worker_leaves_only_what_was_in_a_call_unknown(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    """The first owner is as good as dead: it claimed everything, and holds four calls."""
    _first = await in_calls(owner, provider)
    owner()
    assert ledger() == {"unknown worker_lost": provider.at_once, "planned": CUSTOMERS - provider.at_once}


async def test_an_owner_whose_lane_was_taken_over_hands_nothing_more_over(
    owner: Any, provider: Provider, ledger: Any, clock: Any
) -> None:
    first = await in_calls(owner, provider)
    second = owner()
    provider.answers.set()
    await first.drain()
    assert len(provider.got) == provider.at_once, "it still had the others in hand"
    await second.pump()
    await second.drain()
    assert ledger() == {"accepted": CUSTOMERS}, "late answers count as evidence"
    assert sorted(provider.got) == sorted(set(provider.got))
    await first.close()
    await second.close()


async def test_a_hand_over_that_comes_late_asks_the_fence_again(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped between the freeze and the call: the freeze is stale, and another owns the lane."""
    first = owner()
    asked: list[bool] = []
    ask = hand_over.HandOver._still_mine

    async def stopped(self: Any, *rest: Any) -> bool:
        if not asked:
            owner()
        asked.append(await ask(self, *rest))
        return asked[-1]

    monkeypatch.setattr(hand_over, "FRESH", -1.0)
    monkeypatch.setattr(hand_over.HandOver, "_still_mine", stopped)
    await first.pump()
    await first.drain()
    assert provider.got == []
    assert asked
    assert asked == [False] * len(asked)
    await first.close()
    assert ledger() == {"planned": CUSTOMERS - len(asked), "planned worker_lost": len(asked)}, (
        "it did not go, and says so"
    )


async def test_a_worker_that_stops_finishes_what_is_frozen_and_gives_the_rest_back(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    lane = await in_calls(owner, provider)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    provider.answers.set()
    await closing
    found = ledger()
    assert found["accepted"] == len(provider.got)
    assert sum(found.values()) == CUSTOMERS
    assert set(found) <= {"accepted", "planned", "planned provider_busy"}


async def test_an_owner_that_cannot_give_mails_back_hears_of_those_in_a_call_all_the_same(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = await in_calls(owner, provider)

    def broken(*_: Any) -> None:
        raise OperationalError("UPDATE message", {}, Exception("the database has gone"))

    monkeypatch.setattr(sending_ledger, "give_back", broken)
    closing = asyncio.create_task(lane.close())
    provider.answers.set()
    await closing
    assert ledger() == {"accepted": provider.at_once, "claimed": CUSTOMERS - provider.at_once}
    owner()
    assert ledger() == {"accepted": provider.at_once, "planned": CUSTOMERS - provider.at_once}, "whoever comes does it"


async def test_a_worker_that_is_cut_off_while_it_freezes_hands_over_nothing_of_it_and_says_so(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that freezes outlives its cancelled owner: what it commits is in no call, and is not unknown."""
    freeze, began, goes_on = sending_ledger.freeze, threading.Event(), threading.Event()

    def slow(*rest: Any) -> set[str]:
        began.set()
        goes_on.wait(30)
        return freeze(*rest)

    monkeypatch.setattr(sending_ledger, "freeze", slow)
    lane = owner()
    pumping = asyncio.create_task(lane.pump())
    await until(began.is_set)
    await pumping
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.05)
    closing.cancel()
    goes_on.set()
    await asyncio.gather(closing, return_exceptions=True)
    assert provider.got == []
    owner()
    assert set(ledger()) <= {"planned", "planned worker_lost"}


async def test_an_orphaned_claim_returns_by_itself(
    owner: Any, database: Database, provider: Provider, ledger: Any
) -> None:
    """The claiming thread outlived its cancelled activity: what it committed is nobody's, and certainly unsent."""
    lane = owner()
    claimed = lane._claim()
    assert (len(claimed), ledger()) == (CUSTOMERS, {"claimed": CUSTOMERS})
    next_owner = owner()
    await next_owner.pump()
    await next_owner.drain()
    assert ledger() == {"accepted": CUSTOMERS}
    assert len(provider.got) == CUSTOMERS
    await next_owner.close()


async def test_unknown_mails_are_looked_up_beside_each_other(
    owner: Any, provider: Provider, ledger: Any, clock: Any
) -> None:
    _first = await in_calls(owner, provider)
    second = owner()
    clock.forward(minutes=2)
    assert await second.seek_evidence() == provider.at_once
    assert ledger() == {"accepted": provider.at_once, "planned": CUSTOMERS - provider.at_once}
