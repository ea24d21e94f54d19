"""Freezing is the fence: what is claimed and not frozen goes back, and a lost owner hands nothing more over."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from activities.delivery import call_slots, hand_over, recording
from activities.delivery.call_slots import CallSlots
from activities.delivery.lane import MailLane
from mail.brand import Brand
from mail.composing import Composer
from mail.links import Links
from mail.message import Mail, Sender
from mail.providers.sender import Accepted, Evidence, MayGo, SendOutcome, Withheld, always
from mail.rendering.renderer import Renderer
from services.ingestion import ingest
from services.messages import claiming, sending_ledger, turns
from services.reports import customer_view
from store.queries import messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.messages import Message

PEOPLE = 20
LANE = "transactional"


class Provider:
    """Takes so many at once; holds them while it is told to, and raises what it is told for an address."""

    name = "provider"
    longest = timedelta(seconds=30)

    def __init__(self, at_once: int = 4) -> None:
        self.at_once = at_once
        self.got: list[str] = []
        self.raises: dict[str, Exception] = {}
        self.answers = asyncio.Event()
        self.answers.set()
        self.in_call = 0

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        if not await may_go():
            return Withheld()
        if mail.to in self.raises:
            raise self.raises[mail.to]
        self.in_call += 1
        self.got.append(mail.send_id)
        await self.answers.wait()
        self.in_call -= 1
        return Accepted(provider_id=f"p-{mail.send_id}")

    async def look_up(self, send_id: str) -> Evidence:
        return "accepted" if send_id in self.got else "absent"

    async def close(self) -> None:
        return None


class Breaking(Composer):
    """Composes as ever, but for one template's worth of surprise."""

    surprise: str | None = None

    def compose(self, request: Any, now: datetime) -> Mail:
        if request.to == self.surprise:
            raise KeyError("nobody expects this")
        return super().compose(request, now)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def composer(template_folder: Any) -> Breaking:
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="shop@example.com"), address="1 Street")
    return Breaking(Renderer([template_folder]), Links("secret", "http://x"), brand)


@pytest.fixture
def owner(database: Database, provider: Provider, composer: Composer, clock: Any) -> Callable[[], MailLane]:
    """Opens the lane for a new owner."""

    def run() -> MailLane:
        lane = MailLane(LANE, database, composer, provider, clock)
        lane.take()
        return lane

    return run


@pytest.fixture(autouse=True)
def planned(database: Database, noon: datetime) -> None:
    """A mail to each of so many customers waits."""
    with database.writing() as session:
        for number in range(PEOPLE):
            user = f"u{number:02}"
            traits = {"email": f"{user}@example.com", "first_name": user}
            ingest.ingest(session, [{"type": "identify", "userId": user, "traits": traits}], noon)
            made = messages.row(
                f"00000000-0000-5000-8000-0000000000{number:02}",
                customer_view.customer(session, user).id,
                template="mail_a",
                topic="news",
                lane=LANE,
                due=noon,
                now=noon,
                not_before=noon,
            )
            messages.add(session, [made])


@pytest.fixture
def ledger(database: Database) -> Callable[[], Counter[str]]:
    """How many mails have each status, with its reason."""

    def run() -> Counter[str]:
        with database.reading() as session:
            found = session.exec(select(Message)).all()
            return Counter(f"{one.status} {one.reason}" if one.reason else str(one.status) for one in found)

    return run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the condition is a count at the receiver
            await asyncio.sleep(0.01)


async def test_what_composing_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, composer: Breaking, ledger: Any
) -> None:
    composer.surprise = "u07@example.com"
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE - 1, "failed unexpected_error": 1}
    await lane.close()


async def test_what_a_sender_raises_for_one_mail_leaves_its_neighbours_their_outcomes(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    provider.raises = {"u03@example.com": KeyError("nobody expects this")}
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE - 1, "unknown no_answer": 1}
    await lane.close()


async def test_what_freezing_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = sending_ledger.freeze

    def failing(session: Session, lane: str, fence: str, mails: Any, *rest: Any) -> set[str]:
        if any(mail.send_id.endswith("05") for mail, _ in mails):
            raise KeyError("a text that no database keeps, say")
        return freeze(session, lane, fence, mails, *rest)

    monkeypatch.setattr(sending_ledger, "freeze", failing)
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE - 1, "failed unexpected_error": 1}
    await lane.close()


async def test_what_claiming_raises_for_one_mail_is_that_mails_own_end(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = claiming._Claim._request

    def failing(self: Any, stands: Any, customer: Any, message: Any, *rest: Any) -> Any:
        if message.id.endswith("05"):
            raise KeyError("a step that is gone, say")
        return request(self, stands, customer, message, *rest)

    monkeypatch.setattr(claiming._Claim, "_request", failing)
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE - 1, "failed unexpected_error": 1}
    await lane.close()


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
    lane = owner()
    await lane.pump()
    await lane.drain()
    assert ledger()["skipped exited"] == 1
    await lane.close()


async def test_a_lost_worker_leaves_only_what_was_in_a_call_unknown(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    """The first owner is as good as dead: it claimed everything, and holds four calls."""
    provider.answers.clear()
    first = owner()
    await first.pump()
    await until(lambda: provider.in_call == provider.at_once)
    owner()
    assert ledger() == {"unknown worker_lost": provider.at_once, "planned": PEOPLE - provider.at_once}


async def test_an_owner_whose_lane_was_taken_over_hands_nothing_more_over(
    owner: Any, provider: Provider, ledger: Any, clock: Any
) -> None:
    provider.answers.clear()
    first = owner()
    await first.pump()
    await until(lambda: provider.in_call == provider.at_once)
    second = owner()
    provider.answers.set()
    await first.drain()
    assert len(provider.got) == provider.at_once, "it still had the others in hand"
    await second.pump()
    await second.drain()
    assert ledger() == {"accepted": PEOPLE}, "late answers count as evidence"
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
    assert ledger() == {"planned": PEOPLE - len(asked), "planned worker_lost": len(asked)}, "it did not go, and says so"


async def test_a_worker_that_stops_finishes_what_is_frozen_and_gives_the_rest_back(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    provider.answers.set()
    await closing
    found = ledger()
    assert found["accepted"] == len(provider.got)
    assert sum(found.values()) == PEOPLE
    assert set(found) <= {"accepted", "planned", "planned provider_busy"}


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
    assert ledger() == {"accepted": PEOPLE}
    assert len(tries) > 3
    await lane.close()


class Away:
    """Makes recording fail as it does where the database has gone, while it is `set`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.set = True
        record = sending_ledger.record

        def failing(session: Session, *rest: Any) -> None:
            if self.set:
                raise OperationalError("UPDATE message", {}, Exception("the database has gone"))
            record(session, *rest)

        monkeypatch.setattr(sending_ledger, "record", failing)
        monkeypatch.setattr(recording, "AGAIN", (0.05,))


async def test_no_more_mails_are_frozen_than_calls_may_be_under_way_until_their_outcomes_are_written(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves unknown what is frozen: what was answered and is not written counts."""
    away = Away(monkeypatch)
    lane = owner()
    await lane.pump()
    await asyncio.sleep(0.5)
    assert ledger() == {"sending": provider.at_once, "claimed": PEOPLE - provider.at_once}
    assert len(provider.got) == provider.at_once
    away.set = False
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE}
    await lane.close()


async def test_an_owner_that_ends_waits_for_the_database_to_write_down_what_it_heard(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(monkeypatch)
    monkeypatch.setattr(recording, "AT_THE_END", 0)
    lane = owner()
    await lane.pump()
    await until(lambda: len(provider.got) == provider.at_once)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(1.0)
    assert not closing.done()
    away.set = False
    await closing
    assert ledger() == {"accepted": provider.at_once, "planned": PEOPLE - provider.at_once}


async def test_a_worker_that_is_made_to_stop_waits_for_a_database_that_is_away_some_seconds_and_no_longer(
    owner: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    Away(monkeypatch)
    monkeypatch.setattr(hand_over, "LAST", 0.2)
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.2)
    closing.cancel()
    provider.answers.set()
    async with asyncio.timeout(30):
        await asyncio.gather(closing, return_exceptions=True)


async def test_an_outcome_that_cannot_be_recorded_is_kept_and_tried_again_while_the_others_go_on(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, broken = sending_ledger.record, asyncio.Event()
    broken.set()

    def failing(session: Session, fence: str, results: Any, *rest: Any) -> None:
        if broken.is_set() and any(one.send_id.endswith("05") for one in results):
            raise KeyError("nobody expects this")
        record(session, fence, results, *rest)

    monkeypatch.setattr(sending_ledger, "record", failing)
    lane = owner()
    await lane.pump()
    await until(lambda: ledger() == {"accepted": PEOPLE - 1, "sending": 1})
    broken.clear()
    await lane.drain()
    assert ledger() == {"accepted": PEOPLE}
    await lane.close()


async def test_an_owner_that_ends_gives_up_an_outcome_that_cannot_be_recorded_and_nothing_else(
    owner: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = sending_ledger.record

    def failing(session: Session, fence: str, results: Any, *rest: Any) -> None:
        if any(one.send_id.endswith("05") for one in results):
            raise KeyError("nobody expects this")
        record(session, fence, results, *rest)

    monkeypatch.setattr(sending_ledger, "record", failing)
    monkeypatch.setattr(recording, "AGAIN", (0.1,))
    lane = owner()
    await lane.pump()
    await until(lambda: ledger() == {"accepted": PEOPLE - 1, "sending": 1})
    await lane.close()
    assert ledger() == {"accepted": PEOPLE - 1, "sending": 1}
    owner()
    assert ledger() == {"accepted": PEOPLE - 1, "unknown worker_lost": 1}


async def test_an_orphaned_claim_returns_by_itself(
    owner: Any, database: Database, provider: Provider, ledger: Any
) -> None:
    """The claiming thread outlived its cancelled activity: what it committed is nobody's, and certainly unsent."""
    lane = owner()
    claimed = lane._claim()
    assert (len(claimed), ledger()) == (PEOPLE, {"claimed": PEOPLE})
    next_owner = owner()
    await next_owner.pump()
    await next_owner.drain()
    assert ledger() == {"accepted": PEOPLE}
    assert len(provider.got) == PEOPLE
    await next_owner.close()


async def test_unknown_mails_are_looked_up_beside_each_other(
    owner: Any, provider: Provider, ledger: Any, clock: Any
) -> None:
    provider.answers.clear()
    first = owner()
    await first.pump()
    await until(lambda: provider.in_call == provider.at_once)
    second = owner()
    clock.forward(minutes=2)
    assert await second.seek_evidence() == provider.at_once
    assert ledger() == {"accepted": provider.at_once, "planned": PEOPLE - provider.at_once}


# -- calls that take minutes -------------------------------------------------------------------------------------------


async def test_a_call_that_takes_long_gives_its_slot_to_another_mail(
    owner: Any, provider: Provider, ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_slots, "LONG", 0.2)
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    assert not lane.takes_long() or provider.in_call > provider.at_once
    await until(lambda: provider.in_call == 3 * provider.at_once)
    await asyncio.sleep(0.5)
    assert (provider.in_call, lane.takes_long()) == (3 * provider.at_once, True), "twice as many take long, no more"
    assert ledger() == {"sending": 3 * provider.at_once, "claimed": PEOPLE - 3 * provider.at_once}
    provider.answers.set()
    await lane.drain()
    assert (ledger(), lane.takes_long()) == ({"accepted": PEOPLE}, False)
    await lane.close()


async def test_lanes_share_the_calls_and_freeze_nothing_that_would_have_to_wait_for_one(
    database: Database, composer: Composer, provider: Provider, ledger: Any, clock: Any
) -> None:
    slots = CallSlots(provider.at_once)
    lanes = [MailLane(name, database, composer, provider, clock, slots=slots) for name in (LANE, "journey")]
    for lane in lanes:
        lane.take()
    with database.writing() as session:
        for one in session.exec(select(Message)).all()[: PEOPLE // 2]:
            messages.change(session, one, MessageStatus.PLANNED, clock(), lane="journey")
    provider.answers.clear()
    for lane in lanes:
        await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    await asyncio.sleep(0.2)
    assert ledger() == {"sending": provider.at_once, "claimed": PEOPLE - provider.at_once}
    provider.answers.set()
    for lane in lanes:
        await lane.drain()
        await lane.close()
    assert ledger() == {"accepted": PEOPLE}


async def test_a_worker_that_stops_gives_the_rest_back_at_once_however_long_its_calls_take(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    closing = asyncio.create_task(lane.close())
    await until(lambda: ledger() == {"sending": provider.at_once, "planned": PEOPLE - provider.at_once})
    assert not closing.done()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    owner()
    assert ledger() == {"unknown worker_lost": provider.at_once, "planned": PEOPLE - provider.at_once}
    provider.answers.set()


async def test_what_was_answered_by_then_is_recorded_by_a_worker_that_waits_no_longer(
    owner: Any, provider: Provider, ledger: Any
) -> None:
    lane = owner()
    await lane.pump()
    await lane.drain(down_to=PEOPLE)
    provider.answers.clear()
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0.05)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    found = ledger()
    assert found["accepted"] + found["planned"] + found["sending"] == PEOPLE
    assert found["sending"] == provider.in_call
    provider.answers.set()
