"""What customers, marketers and the world do in a schedule, by the product's own functions, in an order of its own."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import detangle
from sqlmodel import Session, col, select

from mail.providers.events import Feedback
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.definitions.pausing import pauses
from services.enrollments.controls import asking
from services.feedback.answers import consents
from services.feedback.returns import delivery_events
from services.ingestion import ingest
from services.jobs import erasure
from services.messages.sending import held_lanes
from services.messages.waiting import restored_ledger
from store.statuses import EnrollmentStatus
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.world.api_process import ApiProcess
from tests.world.prepared import PEOPLE, SLOWER, publish

if TYPE_CHECKING:
    from tests.world.world import World

PASSES = (timedelta(minutes=6), timedelta(minutes=75))
"""Time that passes in which nobody does anything: longer than a workflow may be behind, and until it is asked again
though it has ended."""

PATIENCE = 30
"""Seconds in which the clock must have come so far: where nothing is due, it does not."""

THEIRS = "SELECT id FROM customer WHERE external_id = ?"
POISON = """
CREATE TRIGGER poison BEFORE UPDATE OF wakes ON enrollment WHEN NEW.customer_id = '{}'
BEGIN SELECT RAISE(ABORT, 'poisoned'); END
"""
CURE = "DROP TRIGGER IF EXISTS poison"
STUCK = "SELECT 1 FROM enrollment WHERE customer_id = ? AND stuck IS NOT NULL"
"""No wake of somebody can be kept, which no waiting mends; and whether that has come out."""


class Happenings:
    """Does them, and knows what was acknowledged."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.api = ApiProcess(world)
        self.acknowledged: dict[str, str] = {}
        self.erased: set[str] = set()
        self._events = 0
        self._backup: Any = None
        self._reports: set[asyncio.Task[None]] = set()

    async def chaos(self) -> None:
        """Customers sign up, and then one thing happens after another."""
        for _ in range(detangle.randint(1, 2)):
            await self._event("Signed Up", self._somebody())
        for _ in range(detangle.randint(1, 5)):
            await asyncio.sleep(detangle.choice((0.0, 0.02, 1.0, 4.0)))
            what = detangle.choice(list(WHAT))
            self.world.faults.sometimes(f"happened: {what}")
            await WHAT[what](self)
        await asyncio.sleep(detangle.choice((0.0, 5.0, 20.0)))

    async def mend(self) -> None:
        """Everything that somebody has stopped goes on."""
        world = self.world
        await self._none_in_flight()
        world.clock.skewed, world.temporal.lose_signals, world.temporal.double_signals = timedelta(), 0, 0
        world.temporal.away = False
        for one in world.processes:
            one.cut_off = False
        if self._reports:
            await asyncio.wait(self._reports)
        await self.api.request(lambda session: held_lanes.release(session, "test", world.clock.host()))
        for key in ("welcome", "offers"):
            await self._resume(key)

    async def resume_the_paused(self) -> None:
        """Whoever was paused by a person goes on; what a person asked for may have been done later."""
        for one in await self._enrollments(Enrollment.paused_by == "person"):
            await self._control(one, "resume")

    def assert_nobody_lost(self) -> None:
        """What was acknowledged is kept; whoever has signed up was let in."""
        rows = self.world.raw.execute
        kept = {one for (one,) in rows("SELECT message_id FROM event")}
        lost = {name: user for name, user in self.acknowledged.items() if name not in kept and user not in self.erased}
        assert not lost, f"acknowledged, and not kept: {lost}"
        if not self.erased:
            query = (
                "SELECT customer_id FROM event WHERE name = 'Signed Up' AND NOT EXISTS"
                " (SELECT 1 FROM enrollment AS e WHERE e.journey = 'welcome' AND e.customer_id = event.customer_id)"
            )
            assert not rows(query).fetchall(), "signed up, and was not let in"

    def report(self, send_id: str) -> None:
        """The provider tells what became of a mail: late, early, twice, in any order."""
        if detangle.flip(0.3):
            task = detangle.spawn(self._report(send_id), host="outside")
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)

    async def _report(self, send_id: str) -> None:
        self.world.faults.sometimes("happened: reports")
        kinds = [detangle.choice(("accepted", "delivered", "opened", "bounced")) for _ in range(detangle.randint(1, 3))]
        for kind in (*kinds, kinds[0]):
            await asyncio.sleep(detangle.choice((0.0, 0.03, 3.0)))
            now = self.world.clock.host()
            told = Feedback(send_id=send_id, kind=kind, at=now - timedelta(seconds=1), name=f"{send_id}-{kind}")  # type: ignore[arg-type]
            await self.api.request(lambda session, told=told, now=now: self._take(session, told, now))

    def _take(self, session: Session, told: Feedback, now: Any) -> None:
        message = session.get(Message, told.send_id)
        if message is not None and message.status == "sending":
            self.world.faults.sometimes("a report came before its record")
        delivery_events.take(session, [told], "provider", now)

    # -- customers -----------------------------------------------------------------------------------------------------

    def _somebody(self) -> str:
        return detangle.choice(PEOPLE)

    async def _event(self, name: str, user: str, times: int = 1, at_once: int = 1) -> None:
        self._events += 1
        named = [f"e{self._events}.{number}" for number in range(at_once)]
        batch = [{"type": "track", "userId": user, "event": name, "messageId": one} for one in named * times]
        done = await self.api.request(lambda session: ingest.ingest(session, batch, self.world.clock.host()))
        assert done is not None
        if user not in self.erased:
            self.acknowledged |= dict.fromkeys(named, user)

    async def happens_event(self) -> None:
        await self._event(detangle.choice(("Signed Up", "Looked")), self._somebody())

    async def happens_event_again(self) -> None:
        """The client repeats what it has sent."""
        await self._event(detangle.choice(("Signed Up", "Looked")), self._somebody(), times=2)

    async def happens_a_hundred_at_once(self) -> None:
        """The same trigger, many times (ten here: the hundred are in `tests/store`)."""
        await self._event("Signed Up", self._somebody(), at_once=10)

    async def happens_bought(self) -> None:
        await self._event("Bought", self._somebody())

    async def happens_closed(self) -> None:
        await self._event("Account Closed", self._somebody())

    async def happens_unsubscribed(self) -> None:
        user, now = self._somebody(), self.world.clock.host()

        def leave(session: Session) -> None:
            customer = _customer(session, user)
            if customer is not None:
                consents.record(session, customer.id, "news", False, "test", now, now)

        await self.api.request(leave)

    async def happens_merged(self) -> None:
        """Somebody unknown signs up and turns out to be a customer."""
        user = self._somebody()
        self._events += 1
        name = f"a{self._events}"
        seen = [{"type": "track", "anonymousId": name, "event": "Signed Up", "messageId": f"m{self._events}"}]
        await self.api.request(lambda session: ingest.ingest(session, seen, self.world.clock.host()))
        await asyncio.sleep(detangle.choice((0.0, 0.05, 3.0)))
        known = [{"type": "identify", "anonymousId": name, "userId": user, "messageId": f"i{self._events}"}]
        await self.api.request(lambda session: ingest.ingest(session, known, self.world.clock.host()))

    async def happens_erased(self) -> None:
        user = self._somebody()
        found = await self.api.request(lambda session: _id(session, user))
        self.erased.add(user)
        if found is None:
            return
        operation = Operation(id="op", kind="erase", request={"customer": found}, created_at=self.world.clock.host())
        for page in erasure.pages(self.world.database, operation, self.world.clock.host):
            await self.api.request(page)

    # -- marketers and support -----------------------------------------------------------------------------------------

    async def happens_paused(self) -> None:
        """The journey is paused, and perhaps resumed."""
        key = detangle.choice(("welcome", "offers"))
        await self.api.request(lambda session: pauses.pause(session, key, self.world.clock.host()))
        if detangle.flip(0.5):
            await asyncio.sleep(detangle.choice((0.05, 4.0)))
            await self._resume(key)

    async def _resume(self, key: str) -> None:
        """Who is parked gets a poke by an operation that begins with the commit, whoever heard the answer."""
        now = self.world.clock.host()
        await self.api.request(lambda session: pauses.resume(session, key, now))
        parked = await self._enrollments(Enrollment.journey == key, Enrollment.paused_by == "journey")
        await self.api.request(lambda session: asking.poke(session, parked, now))

    async def happens_person_pauses(self) -> None:
        await self._control_somebody("pause")

    async def happens_person_skips(self) -> None:
        await self._control_somebody("skip")

    async def happens_person_moves(self) -> None:
        await self._control_somebody("move")

    async def _control_somebody(self, verb: str) -> None:
        live = await self._enrollments()
        if live:
            await self._control(detangle.choice(live), verb)

    async def _control(self, one: Enrollment, verb: str) -> None:
        to = {"to": (one.stage, None)} if verb == "move" else {}
        if (
            verb == "skip"
        ):  # an older copy knows nothing of it: it waits again, and mails what has gone (docs/operate.md)
            self._backup = None
        self._events += 1
        once = f"ctl{self._events}"

        def ask(session: Session) -> None:
            found = session.get(Enrollment, one.id)
            if found is not None:
                asking.ask(session, found, verb, self.world.clock.host(), once=once, **to)  # type: ignore[arg-type]

        await self.api.request(ask)

    async def _enrollments(self, *where: Any) -> list[Enrollment]:
        live = select(Enrollment).where(Enrollment.status == EnrollmentStatus.LIVE, *where).order_by(col(Enrollment.id))
        return await self.api.request(lambda session: list(session.exec(live).all()))

    async def happens_published_and_moved(self) -> None:
        now = self.world.clock.host()
        await self.api.request(lambda session: publish(session, "welcome", SLOWER, now))
        await asyncio.sleep(detangle.choice((0.0, 0.05)))
        live = await self._enrollments(Enrollment.journey == "welcome")

        def move(session: Session) -> None:
            version, program = journeys.live(session, "welcome")
            those = {one.id: one.customer_id for one in live}
            moving.move(session, TargetVersion(number=version.number, program=program), those, now)

        await self.api.request(move)

    async def happens_held(self) -> None:
        now = self.world.clock.host()
        await self.api.request(lambda session: held_lanes.hold(session, "test", "to see", now))
        await asyncio.sleep(detangle.choice((0.05, 5.0)))
        if detangle.flip(0.7):
            await self.api.request(lambda session: held_lanes.release(session, "test", now))

    # -- the world -----------------------------------------------------------------------------------------------------

    async def happens_clock(self) -> None:
        """The hosts' clocks jump by an hour. Temporal has its own."""
        await self._none_in_flight()
        self.world.clock.skewed = timedelta(hours=detangle.choice((1, -1, 0)))
        self.world.tell()

    async def _none_in_flight(self) -> None:
        while self.world.receiver.in_flight:  # noqa: ASYNC110 - the condition is a count at the receiver
            await asyncio.sleep(1.0)

    async def happens_cut_off(self) -> None:
        """A worker cannot reach Temporal, and does not know: its lane becomes another's."""
        one = detangle.choice(self.world.processes) if self.world.processes else None
        if one is not None:
            one.cut_off = True
            await asyncio.sleep(detangle.choice((5.0, 16.0)))
            one.cut_off = False

    async def happens_minutes_pass(self) -> None:
        """Nobody does anything, and what is due by the clock comes while faults are about."""
        until = self.world.clock.now() + detangle.choice(PASSES)
        await self._comes(lambda: self.world.clock.now() >= until)

    async def _comes(self, is_so: Callable[[], bool]) -> bool:
        for _ in range(PATIENCE):
            if is_so():
                return True
            await asyncio.sleep(1.0)
        return False

    async def happens_temporal_away(self) -> None:
        """Temporal answers no client, just when several workflows are to be poked: the hosts' clocks have jumped."""
        for name in ("Signed Up", "Bought"):
            for user in PEOPLE[:2]:
                await self._event(name, user)
            await asyncio.sleep(2.0)
        await self._none_in_flight()
        self.world.temporal.away, self.world.clock.skewed = True, timedelta(hours=1)
        self.world.tell()
        await asyncio.sleep(detangle.choice((1.0, 6.0)))
        self.world.temporal.away = False

    async def happens_poisoned(self) -> None:
        """The database refuses each wake of somebody, however often it is tried, until that is mended."""
        user, ask = self._somebody(), self.world.raw.execute
        await self._event("Signed Up", user)
        found = ask(THEIRS, (user,)).fetchone()
        if found is None:
            return
        await asyncio.sleep(1.0)
        ask(POISON.format(*found))
        try:
            await self._event("Bought", user)
            if await self._comes(lambda: bool(ask(STUCK, found).fetchone())):
                self.world.faults.sometimes("an enrollment was stuck")
        finally:
            ask(CURE)

    async def happens_poke_lost(self) -> None:
        """Temporal takes a signal, and loses it."""
        self.world.temporal.lose_signals += 1

    async def happens_poke_twice(self) -> None:
        """Temporal delivers a signal, and once more."""
        self.world.temporal.double_signals += 1

    async def happens_killed(self) -> None:
        if self.world.processes:
            detangle.choice(self.world.processes).kill()

    async def happens_all_killed(self) -> None:
        for one in list(self.world.processes):
            one.kill()

    async def happens_backup(self) -> None:
        """Both databases, at one instant."""
        world = self.world
        self._backup = (world.raw.serialize(), world.temporal.snapshot(), world.clock.host(), dict(self.acknowledged))

    async def happens_restored(self) -> None:
        """Everything stops, the last backup is put in its place, held, and is let go again.

        Whoever restores has a clock that is right, and knows of those that were ahead of it.
        """
        if self._backup is None:
            return await self.happens_backup()
        world = self.world
        await self.happens_all_killed()
        await self._none_in_flight()
        rows, executions, taken_at, acknowledged = self._backup
        self.acknowledged = dict(acknowledged)
        world.invariants.capped = False
        world.raw.deserialize(rows)
        world.temporal.restore(executions)
        now = max(world.clock.host(), world.clock.latest, taken_at)
        await self.api.request(lambda session: held_lanes.hold(session, "test", "restored", now))
        await self.api.request(lambda session: restored_ledger.begin(session, taken_at, now))
        if await self.api.request(lambda session: restored_ledger.doubt_page(session, now)):
            world.faults.sometimes("a mail was doubted after a restore")
        await self.api.request(lambda session: held_lanes.release(session, "test", now))


def _customer(session: Session, user: str) -> Customer | None:
    return session.exec(select(Customer).where(Customer.external_id == user)).first()


def _id(session: Session, user: str) -> str | None:
    found = _customer(session, user)
    return found.id if found is not None else None


_NAMES = [name for name in vars(Happenings) if name.startswith("happens_")]
WHAT: Mapping[str, Callable[[Happenings], Any]] = {
    name.removeprefix("happens_").replace("_", " "): getattr(Happenings, name) for name in _NAMES
}
"""By name: what happens."""
