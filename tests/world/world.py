"""The product in one seeded world: two worker processes, an API, a provider, Temporal's model, one database.

First comes chaos: customers and marketers do things while processes die, the provider misbehaves and the clock jumps.
Then faults stop, and everything has to come to its end. What must hold is asked after each step (`invariants`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import detangle

from activities.signatures import Wake
from mail.message import Mail, Sender
from services.enrollments.controls import poking
from services.messages.sending.mail_request import MailRequest
from store.types import as_text
from tests.world.clock import WorldClock
from tests.world.faults import WHERE, DatabaseAway, Faults, ProcessKilled
from tests.world.happenings import Happenings
from tests.world.invariants import Invariants
from tests.world.prepared import Prepared
from tests.world.process import LANES, Process
from tests.world.receiver import Receiver
from tests.world.temporal import Execution, Temporal
from tests.world.written import Written

ENDS_WITHIN = timedelta(days=35)
"""Virtual time in which everything has come to its end when faults have stopped: the window of the cap, the
waits of the journeys, and the day in which evidence is waited for."""

MAILS_END_WITHIN = timedelta(hours=26)
"""Virtual time in which each mail that was planned by then has its fate: the day in which evidence is waited for, the hour
by which clocks were ahead, and one for all that is done in minutes."""

QUIET = 2.0
"""Seconds without a commit behind which nobody is about to do anything."""

STANDS = 30
"""Quiet seconds with nothing ahead by the clock, behind which nothing more will happen."""

NEXT = (
    ("SELECT min(not_before) FROM message WHERE status = 'planned' AND not_before > ?", timedelta()),
    ("SELECT min(updated_at) FROM message WHERE status = 'unknown' AND updated_at > ?", timedelta(seconds=46)),
    ("SELECT min(updated_at) FROM message WHERE status = 'unknown' AND updated_at > ?", timedelta(hours=24, minutes=1)),
    ("SELECT min(poked_at) FROM enrollment WHERE poked_at > ?", timedelta(minutes=11)),
    ("SELECT min(nudged_at) FROM enrollment WHERE nudged_at > ?", timedelta(minutes=11)),
    ("SELECT min(wakes_at) FROM enrollment WHERE wakes_at > ?", timedelta(minutes=11)),
    ("SELECT min(due_at) FROM enrollment WHERE due_at > ?", timedelta()),
    ("SELECT min(follow_at) FROM enrollment WHERE follow_at > ?", timedelta()),
    ("SELECT min(not_before) FROM dispatch WHERE not_before > ?", timedelta()),
    ("SELECT min(leased_until) FROM dispatch WHERE leased_until > ?", timedelta(seconds=1)),
    ("SELECT min(closed_until) FROM channel WHERE closed_until > ?", timedelta()),
)
"""When something may be due by the clock: an instant of a row, and how long behind it."""

RECORDED = (
    (
        "SELECT DISTINCT what FROM decision",
        {"unknown": "a mail was unknown", "parked": "a mail was parked", "retried": "a mail was planned again",
         "migrated": "somebody was moved", "merged": "two customers were merged"},
    ),
    ("SELECT DISTINCT json_extract(detail, '$.reason') FROM decision", {"frequency_cap": "a cap held a mail back"}),
    ("SELECT DISTINCT status FROM control", {"done": "a control was done", "refused": "a control was refused"}),
    ("SELECT DISTINCT failures > 4 FROM channel", {1: "the channel closed"}),
)  # fmt: skip
"""What is on record at the end of a schedule, and which way out it tells of."""

DONE = {
    "wake at rows": "a wake was done ahead",
    "wake at deadlines": "a wake was done ahead",
    "leave those to follow": "workflows were left to be followed",
}
"""Which way out a transaction is that has changed something."""

LOOK = """
SELECT 'ahead/deadlines' WHERE EXISTS (SELECT 1 FROM enrollment WHERE due_at <= :now)
UNION ALL SELECT 'dispatcher/following' WHERE EXISTS (SELECT 1 FROM enrollment WHERE follow_at <= :now)
UNION SELECT CASE status WHEN 'to_wake' THEN 'ahead/' ELSE 'dispatcher/' END
    || CASE priority WHEN 1 THEN 'pokes' WHEN 2 THEN 'starts' ELSE 'bulk' END
    FROM dispatch WHERE coalesce(not_before, '') <= :now AND coalesce(leased_until, '') < :now
UNION ALL SELECT 'lanes' WHERE EXISTS (SELECT 1 FROM message WHERE status IN ('planned', 'unknown'))
"""
"""The loops of the dispatchers that have something to look for, and the lanes behind them."""

PAUSED = """
SELECT 1 FROM enrollment AS e WHERE paused_by = 'person' AND status = 'live' AND NOT EXISTS (
    SELECT 1 FROM control WHERE enrollment_id = e.id AND verb = 'resume' AND status = 'asked')
"""
"""Whether a person has paused somebody whom nobody has asked to go on."""

WAKES = "SELECT wakes FROM enrollment WHERE id = ?"

LEFT = (
    "SELECT id, stage, step, wakes_at, paused_by FROM enrollment WHERE status = 'live'",
    "SELECT id, template, status, reason, not_before FROM message"
    " WHERE status IN ('planned', 'deferred', 'claimed', 'sending', 'unknown')",
    "SELECT id, kind, status, error FROM dispatch",
    "SELECT id, follow_at FROM enrollment WHERE follow_at IS NOT NULL",
    "SELECT id, verb FROM control WHERE status = 'asked'",
)
"""What is not at its end."""


WAITING = f"{LEFT[1]} AND planned_at <= ?"
"""Mails without a fate that were planned by an instant."""


class World:
    """One schedule."""

    def __init__(self, prepared: Prepared, seen: Counter[str]) -> None:
        prepared.reset()
        self.database, self.raw = prepared.database, prepared.raw
        self.faults = Faults(seen)
        self.clock = WorldClock()
        self.on_their_way, self.planned = defaultdict[str, Written](Written), Written()
        self.temporal = Temporal(self.clock, self.faults.sometimes)
        self.receiver = Receiver(self)
        self.invariants = Invariants(self)
        self.composer: Any = PlainComposer()
        self.processes: list[Process] = []
        self.failed: Exception | None = None
        self.over = False
        self._number = 0
        self._told = set[tuple[str, int]]()
        self._last_commit, self._changes, self._stands = 0.0, 0, 0
        self.grows = detangle.choice((3, 3, 250))
        self.happenings = Happenings(self)

    async def run(self) -> None:
        """Chaos, then calm; raise AssertionError where something does not hold."""
        asyncio.get_running_loop().set_exception_handler(_unless_killed)
        detangle.invariant(self._assert_nothing_failed)
        for _ in range(2):
            self.begin_process()
        detangle.spawn(self._pulse(), host="outside")
        await self.happenings.chaos()
        self.faults.calm = True
        await self.happenings.mend()
        await self._comes_to_its_end()
        self.invariants.at_the_end()
        self.happenings.assert_nobody_lost()
        self._note_recoveries()
        self.over = True
        for one in list(self.processes):
            one.kill()
        _hear_out(asyncio.get_running_loop())

    def _assert_nothing_failed(self) -> None:
        if self.failed is not None:
            raise self.failed

    # -- processes -----------------------------------------------------------------------------------------------------

    def begin_process(self) -> None:
        """Another worker."""
        if self.over:
            return
        self._number += 1
        made = Process(self, f"worker-{self._number}")
        self.processes.append(made)
        made.start()

    def buried(self, process: Process) -> None:
        """A process is dead: what it had begun comes to nothing, and its supervisor starts another."""
        loop = asyncio.get_running_loop()
        loop.call_soon(detangle.network().crash, process.name)
        self.processes = [one for one in self.processes if one is not process]
        loop.call_later(1.0, self.begin_process)

    def shift_failed(self, error: Exception) -> None:
        """A lane's activity raised; Temporal begins another. What struck before the calm may be told in it."""
        if self.faults.calm and not isinstance(error, (OSError, DatabaseAway)):
            raise error

    # -- what happens --------------------------------------------------------------------------------------------------

    def named(self, function: str) -> str:
        """What the transaction does that a function asks for; the schedule fails where nobody has named it."""
        point = WHERE.get(function)
        if point is None:
            self.failed = self.failed or AssertionError(f"a transaction without a point, by {function}")
        return point or function

    def committed(self, point: str) -> None:
        """A transaction has ended well; one that has changed nothing is no step."""
        if self.raw.total_changes == self._changes:
            return
        self._changes = self.raw.total_changes
        if (done := DONE.get(point)) is not None:
            self.faults.sometimes(done)
        self._last_commit = asyncio.get_running_loop().time()
        self.holds(lambda: self.invariants.after_commit(point))
        self.tell()

    def holds(self, check: Callable[[], None]) -> None:
        """Ask an invariant; the schedule fails behind this step, whoever catches what is raised within it."""
        try:
            check()
        except AssertionError as error:
            self.failed = self.failed or error

    def tell(self) -> None:
        """Whoever has something to look for looks: loops of the dispatchers, and the lanes."""
        for (part,) in self.raw.execute(LOOK, {"now": as_text(self.clock.host())}).fetchall():
            (self.planned if part == "lanes" else self.on_their_way[part]).tell()

    def asked(self, about: Any) -> None:
        """A workflow asks for a wake; perhaps for some that were done, or for one of which nobody heard."""
        if not isinstance(about, Wake):
            return
        ((wakes,),) = self.raw.execute(WAKES, (about.enrollment,)).fetchall() or ((0,),)
        known = (about.enrollment, about.number)
        if wakes < about.number:
            self.faults.sometimes("a workflow was first")
        elif known in self._told:
            self.faults.sometimes("a wake was told again")
        if wakes > about.number:
            self.faults.sometimes("several wakes were followed at once")
        self._told.add(known)

    def followed(self, execution: Execution) -> None:
        """A workflow task has ended."""
        self._last_commit = asyncio.get_running_loop().time()

    def reports_follow(self, send_id: str) -> None:
        """The provider tells of a mail that it has accepted."""
        if not self.faults.calm:
            self.happenings.report(send_id)

    def _note_recoveries(self) -> None:
        """Ways out that are seen by what they left on record."""
        for query, told in RECORDED:
            for (found,) in self.raw.execute(query).fetchall():
                if found in told:
                    self.faults.sometimes(told[found])

    # -- time ----------------------------------------------------------------------------------------------------------

    async def _pulse(self) -> None:
        """Where nobody is about to do anything, the clock goes to the next instant at which something is due."""
        while True:
            await asyncio.sleep(1.0)
            if (self.temporal.next_instant() or self.clock.now()) < self.clock.now():
                self.temporal.tick()
            if self._is_quiet():
                self._poke_the_overdue()
                following = self._next_instant()
                self._stands = self._stands + 1 if self.faults.calm and not following else 0
                if self._stands > STANDS:
                    self.failed = AssertionError(f"nothing more happens, and these are left: {self._left()}")
                self.clock.move_to(following or self.clock.now())
                self.temporal.tick()
                self.tell()

    def _is_quiet(self) -> bool:
        since = asyncio.get_running_loop().time() - self._last_commit
        settled = not self.receiver.in_flight and not any(one.cut_off for one in self.processes)
        owned = all(self.temporal.owner(lane) in self.processes for lane in LANES)
        return settled and owned and len(self.processes) == 2 and since > QUIET

    def _poke_the_overdue(self) -> None:
        """The upkeep's duty, once a minute; done here, since it costs a statement for each kind."""
        now = self.clock.host()
        with self.database.reading() as session:
            overdue = poking.any_overdue(session, now)
        if overdue and self.database.write(lambda session: poking.nudge(session, now, 100)):
            self.faults.sometimes("somebody overdue was poked")
            self.committed("upkeep")

    def _next_instant(self) -> datetime | None:
        now = self.clock.now()
        found = [self.temporal.next_instant()]
        for query, behind in NEXT:
            ((at,),) = self.raw.execute(query, (as_text(now - behind),)).fetchall()
            found.append(datetime.fromisoformat(f"{at}+00:00") + behind if at else None)
        return min((at for at in found if at is not None and at > now), default=None)

    async def _comes_to_its_end(self) -> None:
        began = self.clock.now()
        while left := self._left():
            assert self.clock.now() < began + ENDS_WITHIN, f"not at its end: {left}"
            if self.clock.now() > began + MAILS_END_WITHIN:
                waiting = self.raw.execute(WAITING, (as_text(began),)).fetchall()
                assert not waiting, f"mails without a fate: {waiting}"
            if self.raw.execute(PAUSED).fetchone():
                await self.happenings.resume_the_paused()
            await asyncio.sleep(2.0)

    def _left(self) -> list[Any]:
        rows = [row for query in LEFT for row in self.raw.execute(query).fetchall()]
        return rows + [one.id for one in self.temporal.executions.values() if not one.ended]


class PlainComposer:
    """`mail.composing.Composer`, without a template: what is in a mail is not what is proven here."""

    def compose(self, request: MailRequest, now: datetime) -> Mail:
        """The mail."""
        sender = Sender(name="Shop", email="shop@example.com")
        return Mail(send_id=request.send_id, to=request.to, sender=sender, subject=request.template, html="", text="")


def _unless_killed(loop: Any, context: dict[str, Any]) -> None:
    """What a dead process leaves behind is nobody's error."""
    if not isinstance(context.get("exception"), ProcessKilled | asyncio.CancelledError):
        loop.unhandled.append(context)


def _hear_out(loop: Any) -> None:
    """An owner that was cancelled while it wrote down hears no more of it: that the database was away is nobody's error."""
    for task in loop.tasks:
        if isinstance(task._exception, DatabaseAway):
            task.exception()
