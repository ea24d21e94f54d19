"""The product on a real Temporal: the dev server in real time, and the time-skipping server for years.

The lanes are pumped by hand here: an open delivery activity would stop the time-skipping server's clock.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.client import ScheduleListDescription
from temporalio.testing import WorkflowEnvironment

from activities.delivery.lane import MailLane
from journeys.checks import source
from services.definitions.journey_versions import drafts, journeys, validation_context
from services.enrollments.controls import asking
from services.ingestion import ingest
from services.reports.customer import customer_view
from store.queries.enrollment import enrollments
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message, OutboxMail
from tests.serving import Serving
from waypost.processes.dispatcher import Dispatcher
from waypost.processes.worker import delivery_worker, journey_worker
from waypost.wiring import Parts
from workflows.claim_check import data_converter
from workflows.gateway import Gateway

BIN = Path(sys.executable).parent


class World:
    """One customer's world: things happen, time passes, mail goes."""

    def __init__(self, env: WorkflowEnvironment, parts: Parts, clock: Any, lag: timedelta) -> None:
        self.env, self.parts, self.clock = env, parts, clock
        self.gateway = Gateway(env.client)
        self.dispatcher = Dispatcher(parts.database, self.gateway, clock, lag=lag)
        self._lane: MailLane | None = None
        self.day = 86_400.0

    @property
    def lane(self) -> MailLane:
        if self._lane is None:
            self._lane = self.parts.lane("journey")
            self._lane.take()
        return self._lane

    async def tick(self) -> datetime:
        """Bring our clock to the server's."""
        self.clock.at = max(self.clock.at, (await self.env.get_current_time()))
        return self.clock.at

    async def publish(self, text: str) -> None:
        now, known = await self.tick(), self.parts.templates()
        key = source.parse(text).data["journey"]
        with self.parts.database.writing() as session:
            around = validation_context.load(session, key, known)
            drafts.put_draft(session, drafts.read_draft(key, text, around), now)
            journeys.publish(session, key, known, now)

    async def happens(self, *messages: dict[str, Any]) -> None:
        """Ingest, and carry what follows to Temporal."""
        now = await self.tick()
        with self.parts.database.writing() as session:
            ingest.ingest(session, messages, now)
        await self.dispatcher.drain()

    async def customer(self, user: str = "ann") -> None:
        await self.happens(
            {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com", "first_name": user}}
        )

    async def event(self, name: str, user: str = "ann", **properties: Any) -> None:
        await self.happens({"type": "track", "userId": user, "event": name, "properties": properties})

    async def control(self, verb: str, user: str = "ann", once: str | None = None) -> None:
        """Ask something of a customer's enrollment, as the API does; raise Refused with the reason."""
        run, now = self.enrollment(user), await self.tick()
        asked = self.parts.database.write(lambda session: asking.ask(session, run, verb, now, once=once))
        await self.gateway.hurry(run.workflow_id)
        with self.parts.database.reading() as session:
            asking.outcome(session, asked.id)

    async def passes(self, **span: float) -> None:
        """Let time pass, then deliver what is due."""
        await self.sleep(timedelta(**span))
        await self.tick()

    async def sleep(self, span: timedelta) -> None:
        """As the environment's own, which waits for thirty seconds of real time at most for what is due meanwhile."""
        if not self.env.supports_time_skipping:
            return await self.env.sleep(span)
        request = SleepRequest()
        request.duration.FromTimedelta(span)
        await self.env.client.test_service.unlock_time_skipping_with_sleep(request, timeout=timedelta(minutes=3))

    async def until(self, condition: Callable[[], bool], seconds: float = 240) -> None:
        """Wait (in real time) until something is so."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"never came true; {self.story()}"
            await asyncio.sleep(0.02)

    async def schedule(self, but: str = "") -> ScheduleListDescription:
        """The one Temporal Schedule there is, once the server lists it: its lists run behind what is made."""
        for _ in range(2_400):
            found = [one async for one in await self.env.client.list_schedules()]
            if len(found) == 1 and found[0].id != but:
                return found[0]
            await asyncio.sleep(0.05)
        raise AssertionError("no schedule was listed")

    async def settled(self, seconds: float = 240) -> None:
        """Wait (in real time) until no enrollment is behind: nothing to dispatch or due, and no decision comes any more."""
        await self.dispatcher.drain()
        still, before, now = 0, -1, await self.tick()
        deadline = asyncio.get_running_loop().time() + seconds
        while still < 3 and asyncio.get_running_loop().time() < deadline:
            count = self.read(lambda session: session.exec(select(func.count(col(Decision.id)))).one())
            still, before = (still + 1 if count == before and not self._behind(now) else 0), count
            await asyncio.sleep(0.05)

    def _behind(self, now: datetime) -> int:
        """Enrollments whose wait had ended by then, and that have not gone on."""
        due = select(func.count(col(Enrollment.id))).where(
            Enrollment.status == EnrollmentStatus.LIVE,
            col(Enrollment.paused).is_(False),
            col(Enrollment.wakes_at) <= now,
        )
        return self.read(lambda session: session.exec(due).one())

    async def deliver(self) -> None:
        """Pump the lane until nothing is due."""
        await self.tick()
        while await self.lane.pump():
            await self.lane.drain()

    async def delivered(self, *templates: str) -> None:
        """Wait until exactly these mails are in the outbox, in this order."""
        await self.until(lambda: len(self.planned()) >= len(templates))
        await self.tick()
        self.clock.forward(seconds=6)
        while await self.lane.pump():
            await self.lane.drain()
        assert self.outbox() == list(templates), self.story()

    @asynccontextmanager
    async def delivery(self) -> AsyncIterator[None]:
        """The worker of the delivery queue, for what is an activity there."""
        async with delivery_worker(self.env.client, self.parts):
            yield

    # -- what is stored ------------------------------------------------------------------------------------------------

    def read(self, query: Callable[[Session], Any]) -> Any:
        with self.parts.database.reading() as session:
            return query(session)

    def enrollment(self, user: str = "ann") -> Enrollment:
        """The customer's newest enrollment."""
        return self.read(lambda s: enrollments.of_customer(s, customer_view.customer(s, user).id)[0])

    def planned(self) -> list[str]:
        """Every mail that may go or went."""
        return self._mails("planned", "sending", "accepted")

    def accepted(self) -> list[str]:
        """Every mail that went, in the order in which it was planned."""
        return self._mails("accepted")

    def _mails(self, *states: str) -> list[str]:
        query = select(Message.template).where(col(Message.status).in_(states)).order_by(col(Message.planned_at))
        return self.read(lambda s: list(s.exec(query).all()))

    def outbox(self) -> list[str]:
        return [
            subject.split()[0]
            for subject in self.read(lambda s: s.exec(select(OutboxMail.subject).order_by(col(OutboxMail.id))).all())
        ]

    def story(self) -> list[tuple[int | None, str, str | None]]:
        query = select(Decision).order_by(col(Decision.enrollment_id), col(Decision.number))
        return [(one.number, one.what, one.step or one.stage) for one in self.read(lambda s: s.exec(query).all())]

    def decided(self) -> list[str]:
        return [what for number, what, _ in self.story() if number is not None]

    def stage(self, user: str = "ann") -> str:
        return self.enrollment(user).stage

    async def at(self, stage: str, step: str | None = None, user: str = "ann") -> None:
        """Wait until the customer stands there."""
        await self.until(lambda: (self.stage(user), self.enrollment(user).step) == (stage, step))


@asynccontextmanager
async def world_on(
    env: WorkflowEnvironment, parts: Parts, clock: Any, lag: timedelta = timedelta()
) -> AsyncIterator[World]:
    """The product on a server; `lag` is how long workflows follow what was done ahead of them."""
    with ThreadPoolExecutor(8) as threads:
        async with journey_worker(env.client, parts, threads, strict=True, lag=lag):
            world = World(env, parts, clock, lag)
            await world.tick()
            yield world


@asynccontextmanager
async def dev_server(parts: Parts, *extra: str) -> AsyncIterator[WorkflowEnvironment]:
    """The real server, from its wheel."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"),
        data_converter=data_converter(parts.program),
        dev_server_extra_args=["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"', *extra],
        dev_server_log_level="error",
    ) as env:
        yield env


@pytest.fixture
async def real(parts: Parts, clock: Any) -> AsyncIterator[World]:
    """The product on the dev server, in real time."""
    async with dev_server(parts) as env, world_on(env, parts, clock) as world:
        yield world


@asynccontextmanager
async def skipping_server(parts: Parts) -> AsyncIterator[WorkflowEnvironment]:
    """The time-skipping server, from its wheel."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server"), data_converter=data_converter(parts.program)
    ) as env:
        yield env


@pytest.fixture
async def forgetful(parts: Parts, clock: Any) -> AsyncIterator[World]:
    """A dev server that suggests a fresh history all the time."""
    suggest = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=4")
    async with dev_server(parts, *suggest) as env, world_on(env, parts, clock) as world:
        yield world


@pytest.fixture
def lag() -> timedelta:
    """How long workflows follow what was done ahead of them, where time is skipped."""
    return timedelta()


@pytest.fixture
async def skipping(parts: Parts, clock: Any, lag: timedelta) -> AsyncIterator[World]:
    """The product on the time-skipping server."""
    async with skipping_server(parts) as env, world_on(env, parts, clock, lag) as world:
        yield world


@pytest.fixture(params=["skipping", "real"])
async def world(request: pytest.FixtureRequest, parts: Parts, clock: Any) -> AsyncIterator[World]:
    """Both servers; on the real one a day lasts four seconds."""
    quick = request.param == "real"
    async with dev_server(parts) if quick else skipping_server(parts) as env, world_on(env, parts, clock) as made:
        made.day = 4.0 if quick else 86_400.0
        yield made


class Receiver(Serving):
    """Another system on this machine; answers with `status` and keeps what it got."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        self.url = f"http://{self.address}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()
