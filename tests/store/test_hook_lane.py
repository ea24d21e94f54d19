"""The lane of webhooks: what is raised for one is its own result, and a slow receiver has its share and no more."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, func, select

from activities.hooks import lane as hook_lane
from activities.hooks import receivers
from activities.hooks.lane import HANGS_AFTER, HookLane
from mail.brand import Brand, Sender
from mail.composing import Composer
from mail.providers.sender import Accepted, MailRefused, MailSender, NotSent, SendOutcome
from mail.rendering.renderer import Renderer
from mail.signed_links import Links
from mail.webhooks.answer import HookAnswer
from services.enrollments import hooks
from services.errors import Fenced
from store.session import Database
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Decision, Hook
from tests.refused import CANCELLED, REFUSED

Publish = Callable[[str, str], None]

IN_TIME = 60.0
"""Seconds for which a test goes on claiming, however busy the machine is; it takes one where it is quiet."""

SECRETS = {"crm_token": "Bearer {{ not a template }}", "chat": "https://quick.example.com/services/T0/B0"}


class Calls:
    """Takes calls: those of a slow host stay under way until they are let go."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.raises: Exception | None = None
        self.let_go = asyncio.Event()
        self.hang = False

    async def call(self, hook_id: str, url: str, body: Any, now: datetime, **more: Any) -> HookAnswer:
        self.made.append(url)
        self.headers.append(more["headers"])
        if "slow" in url.lower() or self.hang:
            await self.let_go.wait()
        if self.raises is not None and "broken" in url:
            raise self.raises
        return HookAnswer(outcome="delivered", status=200)


class Mails:
    """Takes notes."""

    def __init__(self) -> None:
        self.outcomes: list[SendOutcome | Exception] = []
        self.sent: list[str] = []

    async def send(self, mail: Any) -> SendOutcome:
        self.sent.append(mail.send_id)
        outcome = self.outcomes.pop(0) if self.outcomes else Accepted(provider_id="p")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def mails() -> Mails:
    return Mails()


@pytest.fixture
async def lane(database: Database, calls: Calls, mails: Any, clock: Any) -> AsyncIterator[HookLane]:
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="shop@example.com"), address="1 Street")
    composer = Composer(Renderer([]), Links("secret", "http://x"), brand)
    sender: MailSender = mails
    made = HookLane(database, lambda: calls, composer, sender, clock, SECRETS)  # type: ignore[arg-type,return-value]
    made.take()
    yield made
    calls.let_go.set()
    await made.close()


@pytest.fixture
def due(database: Database, publish: Publish, take: Callable[..., Any], noon: datetime) -> Callable[..., None]:
    """So many hooks of a journey of one step; a header `X-Mine` got a neighbour that today's checks refuse."""

    def run(name: str, step: str, count: int = 1) -> None:
        publish(name, f"journey: {name}\nenter: [{{on: Go}}]\nstart: a\nstages: {{a: {{steps: [{step}]}}}}")
        with database.writing() as session:
            version = session.exec(select(JourneyVersion).where(JourneyVersion.journey == name)).one()
            version.canonical = version.canonical.replace('"X-Mine":', '"Content-Length":"3","X-Mine":')
            found = version.digest = f"digest of {name}, {session.connection().engine.url}"
            kind = "notify" if "notify" in step else "webhook"
            session.add_all(
                Hook(
                    id=f"{name}-{one:04}", kind=kind, once="email" in step, enrollment_id="e", customer_id="c", journey=name,
                    digest=found, stage="a", step=f"a/{kind}", visit=one, not_before=noon, created_at=noon, updated_at=noon,
                )
                for one in range(count)
            )  # fmt: skip

    return run


def statuses(database: Database) -> dict[str, int]:
    with database.reading() as session:
        found = session.exec(select(Hook.status, func.count()).group_by(Hook.status)).all()
        return {str(status): count for status, count in found}


async def pumped_until(lane: HookLane, done: Callable[[], bool]) -> None:
    """Claim as the worker does, round after round, until something is so; fail where it never is."""
    async with asyncio.timeout(IN_TIME):
        while not done():
            if not await lane.pump():
                await asyncio.sleep(lane.rest())


async def test_a_slow_receiver_holds_its_share_and_nobody_else(
    lane: HookLane, due: Callable[..., None], calls: Calls, database: Database
) -> None:
    due("first", "{webhook: 'https://slow.example.com/a'}", 150)
    due("later", "{webhook: 'https://quick.example.com/b'}", 40)
    await pumped_until(lane, lambda: statuses(database).get("delivered") == 40)
    for _ in range(2):
        await lane.pump()
    assert Counter(calls.made) == {"https://slow.example.com/a": receivers.AT_FIRST, "https://quick.example.com/b": 40}
    assert statuses(database) == {"calling": receivers.AT_FIRST, "delivered": 40, "planned": 150 - receivers.AT_FIRST}
    calls.let_go.set()
    await lane.drain()
    while await lane.pump():
        await lane.drain()
    assert statuses(database) == {"delivered": 190}
    with database.reading() as session:
        assert set(session.exec(select(Hook.attempts)).all()) == {1}, "what was put back counts as no attempt"


async def test_forty_receivers_that_hang_hold_nobody_for_longer_than_a_second(
    lane: HookLane, due: Callable[..., None], calls: Calls
) -> None:
    for number in range(40):
        due(f"hangs{number}", f"{{webhook: 'https://slow{number}.example.com/a'}}", 20)
    due("later", "{webhook: 'https://quick.example.com/b'}", 30)
    await pumped_until(lane, lambda: len(calls.made) >= 30 + 40 * receivers.AT_FIRST)
    quick, *hang = (count for _, count in sorted(Counter(calls.made).items()))
    assert (quick, hang) == (30, [receivers.AT_FIRST] * 40), "each of those that hang has its small share"


async def test_a_receiver_that_answers_quickly_gets_more_at_once_until_a_call_of_its_hangs(
    lane: HookLane, due: Callable[..., None], calls: Calls
) -> None:
    due("mixed", "{webhook: 'https://receiver.example.com/quick'}", 40)
    await lane.pump()
    await lane.drain()
    assert len(calls.made) == receivers.AT_FIRST
    await lane.pump()
    await lane.drain()
    assert len(calls.made) == receivers.AT_FIRST + receivers.AT_ONCE
    calls.hang = True
    await lane.pump()
    await asyncio.sleep(HANGS_AFTER + 0.1)
    calls.let_go.set()
    await lane.drain()
    made = len(calls.made)
    await lane.pump()
    assert len(calls.made) == made + receivers.AT_FIRST


async def test_two_journeys_that_call_one_receiver_share_its_places(
    lane: HookLane, due: Callable[..., None], calls: Calls
) -> None:
    due("first", "{webhook: 'https://slow.example.com/a'}", 20)
    due("second", "{webhook: 'https://user@SLOW.example.com/b'}", 20)
    for _ in range(4):
        await lane.pump()
    assert len(calls.made) == receivers.AT_FIRST


async def test_what_is_raised_for_one_call_is_its_own_result(
    lane: HookLane, due: Callable[..., None], calls: Calls, database: Database
) -> None:
    due("bad", "{webhook: 'https://broken.example.com/'}")
    due("good", "{webhook: 'https://quick.example.com/'}", 3)
    calls.raises = KeyError("x")
    await lane.pump()
    await lane.drain()
    with database.reading() as session:
        bad = session.exec(select(Hook).where(Hook.journey == "bad")).one()
        assert (bad.status, bad.attempts, bad.error) == ("planned", 1, "KeyError; the worker's log tells more")
    assert statuses(database) == {"planned": 1, "delivered": 3}


async def test_an_answer_that_the_database_refuses_to_record_ends_its_own_call_and_one_it_cannot_take_now_is_kept(
    lane: HookLane, calls: Calls, due: Callable[..., None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no waiting mends would be tried every second for ever, and keep its place among the calls."""
    due("whole", "{webhook: {url: 'https://quick.example.com'}}", 2)
    tried, record = Counter[str](), hooks.record

    def recording(session: Session, fence: str, id: str, *rest: Any) -> None:
        tried[id] += 1
        if id == "whole-0000":
            raise REFUSED
        if tried[id] <= 2:
            raise CANCELLED
        record(session, fence, id, *rest)

    monkeypatch.setattr(hooks, "record", recording)
    monkeypatch.setattr(hook_lane, "AGAIN", 0.01)
    await lane.pump()
    await asyncio.wait_for(lane.drain(), IN_TIME)
    assert tried == {"whole-0000": 1, "whole-0001": 3}
    assert statuses(database) == {"stuck": 1, "delivered": 1}
    with database.reading() as session:
        (error,) = session.exec(select(Hook.error).where(Hook.status == "stuck")).all()
    assert error == "the call ended, delivered (HTTP 200), and what came of it cannot be recorded: OperationalError"


async def test_a_call_whose_result_cannot_be_written_in_any_way_holds_no_place_and_no_neighbour(
    lane: HookLane, calls: Calls, due: Callable[..., None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    due("whole", "{webhook: {url: 'https://quick.example.com'}}", 2)
    record, asked = hooks.record, list[str]()

    def refused(session: Session, fence: str, id: str, *rest: Any) -> None:
        asked.append(id)
        if id == "whole-0000":
            raise REFUSED
        record(session, fence, id, *rest)

    def not_even_so(session: Session, *rest: Any) -> None:
        raise REFUSED

    monkeypatch.setattr(hooks, "record", refused)
    monkeypatch.setattr(hooks, "set_aside", not_even_so)
    await lane.pump()
    await asyncio.wait_for(lane.drain(), IN_TIME)
    assert sorted(asked) == ["whole-0000", "whole-0001"]
    assert statuses(database) == {"calling": 1, "delivered": 1}


async def test_an_answer_in_letters_that_no_database_keeps_ends_as_what_it_is(
    lane: HookLane, due: Callable[..., None], mails: Mails, database: Database
) -> None:
    due("note", "{notify: {email: a@example.com, subject: note, text: hi}}", 2)
    mails.outcomes = [MailRefused(explanation="no such t\udce4ble\0"), Accepted(provider_id="p")]
    await lane.pump()
    await lane.drain()
    assert statuses(database) == {"failed": 1, "delivered": 1}
    with database.reading() as session:
        assert session.exec(select(Hook.error).where(Hook.status == "failed")).all() == ["no such t?ble"]


async def test_headers_of_the_connection_are_left_out_of_what_was_published_before(
    lane: HookLane, due: Callable[..., None], calls: Calls
) -> None:
    due("old", "{webhook: {url: 'https://quick.example.com/', headers: {X-Mine: '{{ brand.name }}'}}}")
    await lane.pump()
    assert calls.headers == [{"X-Mine": "Shop"}]


async def test_a_secret_stands_where_its_name_does_and_nowhere_else(
    lane: HookLane, due: Callable[..., None], calls: Calls, database: Database
) -> None:
    due("crm", "{webhook: {url: 'https://quick.example.com/', headers: {Authorization: {secret: crm_token}}}}")
    due("chat", "{notify: {url: {secret: chat}, text: hi}}")
    await lane.pump()
    await lane.drain()
    assert sorted(calls.made) == ["https://quick.example.com/", "https://quick.example.com/services/T0/B0"]
    assert {"Authorization": "Bearer {{ not a template }}"} in calls.headers
    with database.reading() as session:
        kept = [session.exec(select(table)).all() for table in (Hook, JourneyVersion, Decision)]
        assert not [one for one in SECRETS.values() if one in str(kept)]


async def test_a_call_whose_secret_is_not_there_waits_until_it_is(
    lane: HookLane, due: Callable[..., None], calls: Calls, database: Database
) -> None:
    due("crm", "{webhook: {url: 'https://quick.example.com/', headers: {X-Key: {secret: later}}}}")
    await lane.pump()
    await lane.drain()
    assert calls.made == []
    with database.reading() as session:
        (hook,) = session.exec(select(Hook)).all()
    assert (hook.status, hook.error) == ("planned", "there is no secret 'later' in WAYPOST_HOOKS_SECRETS")


async def test_a_note_is_marked_before_it_is_handed_over_and_never_written_twice(
    lane: HookLane, due: Callable[..., None], mails: Mails, database: Database, clock: Any
) -> None:
    due("note", "{notify: {email: a@example.com, subject: note, text: hi}}", 3)
    mails.outcomes = [KeyError("after the provider took it"), NotSent(), Accepted(provider_id="p")]
    await lane.pump()
    await lane.drain()
    assert sorted(mails.sent) == ["note-0000", "note-0001", "note-0002"]
    assert statuses(database) == {"failed": 1, "planned": 1, "delivered": 1}
    clock.forward(minutes=1)
    while await lane.pump():
        await lane.drain()
    assert len(mails.sent) == 4, "that which certainly did not go"
    assert statuses(database) == {"failed": 1, "delivered": 2}


# -- an owner that was lost --------------------------------------------------------------------------------------------


async def test_what_a_lost_owner_left_is_taken_back_some_in_a_transaction(
    database: Database, lane: HookLane, due: Callable[..., None], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    due("left", "{webhook: {url: https://crm.example.com/}}", 5)
    with database.writing() as session:
        hooks.take_over(session, "lost", clock())
        assert len(hooks.claim(session, "lost", 5, clock())) == 5
    monkeypatch.setattr(hooks, "LEFT_AT_ONCE", 2)
    taken = list[int]()
    own = hooks.settle_left

    def counted(session: Any, fence: str, now: Any) -> int:
        taken.append(own(session, fence, now))
        return taken[-1]

    monkeypatch.setattr(hooks, "settle_left", counted)
    assert lane.take() == 5
    assert taken == [2, 2, 1]
    with database.reading() as session:
        assert {one.status for one in session.exec(select(Hook))} == {"planned"}


def test_who_is_no_owner_any_more_takes_nothing_back(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        hooks.take_over(session, "lost", noon)
        hooks.take_over(session, "heir", noon)
        with pytest.raises(Fenced):
            hooks.settle_left(session, "lost", noon)
