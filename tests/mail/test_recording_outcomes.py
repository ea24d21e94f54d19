"""What a provider said is written down, however often that has to be tried."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from activities.delivery import hand_over, recording
from services.messages.sending import sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from tests.mail.one_lane import CUSTOMERS, Provider, in_calls, until
from tests.refused import REFUSED

pytestmark = pytest.mark.usefixtures("planned")


async def test_what_the_provider_said_is_written_down_however_often_that_is_tried(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    record = sending_ledger.record

    def failing(session: Session, *rest: Any) -> None:
        tries.append(1)
        if len(tries) <= 3:
            raise OperationalError("UPDATE message", {}, Exception("the database has gone"))
        record(session, *rest)

    monkeypatch.setattr(sending_ledger, "record", failing)
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger() == {"accepted": CUSTOMERS}
    assert len(tries) > 3
    await lane.close()


class Failing:
    """Makes recording fail while it is `set`: as where the database has gone, or for the mail whose id ends so."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        mail: str | None = None,
        error: Exception = KeyError("nobody expects this"),
    ) -> None:
        self.set = True
        record = sending_ledger.record

        def failing(session: Session, fence: str, results: Sequence[AttemptResult], *rest: Any) -> None:
            if self.set and mail is None:
                raise OperationalError("UPDATE message", {}, Exception("the database has gone"))
            if self.set and any(one.send_id.endswith(mail or "") for one in results):
                raise error
            record(session, fence, results, *rest)

        monkeypatch.setattr(sending_ledger, "record", failing)
        monkeypatch.setattr(recording, "AGAIN", (0.05,))


async def test_no_more_mails_are_frozen_than_calls_may_be_under_way_until_their_outcomes_are_written(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves unknown what is frozen: what was answered and is not written counts."""
    away = Failing(monkeypatch)
    lane = await in_calls(owner, provider)
    provider.answers.set()
    await asyncio.sleep(0.5)
    assert ledger() == {"sending": provider.at_once, "claimed": CUSTOMERS - provider.at_once}
    assert len(provider.got) == provider.at_once
    away.set = False
    await lane.drain()
    assert ledger() == {"accepted": CUSTOMERS}
    await lane.close()


async def test_an_owner_that_ends_waits_for_the_database_to_write_down_what_it_heard(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Failing(monkeypatch)
    monkeypatch.setattr(recording, "AT_THE_END", 0)
    lane = await in_calls(owner, provider)
    provider.answers.set()
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(1.0)
    assert not closing.done()
    away.set = False
    await closing
    assert ledger() == {"accepted": provider.at_once, "planned": CUSTOMERS - provider.at_once}


async def test_a_worker_that_is_made_to_stop_waits_for_a_database_that_is_away_some_seconds_and_no_longer(
    owner: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(monkeypatch)
    monkeypatch.setattr(hand_over, "LAST", 0.2)
    lane = await in_calls(owner, provider)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.2)
    closing.cancel()
    provider.answers.set()
    async with asyncio.timeout(30):
        await asyncio.gather(closing, return_exceptions=True)


@pytest.mark.parametrize("error", [KeyError("nobody expects this"), REFUSED], ids=["of ours", "of the database's"])
async def test_an_outcome_that_cannot_be_recorded_is_kept_and_tried_again_while_the_others_go_on(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    broken = Failing(monkeypatch, mail="05", error=error)
    lane = owner()
    await lane.pump()
    await until(lambda: ledger() == {"accepted": CUSTOMERS - 1, "sending": 1})
    broken.set = False
    await lane.drain()
    assert ledger() == {"accepted": CUSTOMERS}
    await lane.close()


async def test_an_owner_that_ends_gives_up_an_outcome_that_cannot_be_recorded_and_nothing_else(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(monkeypatch, mail="05")
    lane = owner()
    await lane.pump()
    await until(lambda: ledger() == {"accepted": CUSTOMERS - 1, "sending": 1})
    await lane.close()
    assert ledger() == {"accepted": CUSTOMERS - 1, "sending": 1}
    owner()
    assert ledger() == {"accepted": CUSTOMERS - 1, "unknown worker_lost": 1}
