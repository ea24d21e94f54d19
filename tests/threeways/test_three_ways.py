"""The same thing, three ways: whatever the journey, the simulator, the time-skipping server and the dev server agree.

Every case runs on a real server with the whole product, many at once. Afterwards the simulator gets the events at the
instants at which the product received them; path and mails must be the same, each within two seconds.

`pytest tests/threeways` runs a sample; WAYPOST_DEEP=500 (`make test-deep`) that many. A case that failed is written to
`kept/` and runs again ever after.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlmodel import col, select

from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.program.program import Program
from journeys.simulation import backtest
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import IDENTIFY, RecordedEvent
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment
from tests.threeways.cases import LENGTH, Case, cases

KEPT = Path(__file__).parent / "kept"
DEEP = int(os.environ.get("WAYPOST_DEEP", "0"))
BATCH = 25 if DEEP else 12
ROUNDS = max(1, DEEP // BATCH)
TOLERANCE = 2.0
SMALL = 30
DAY, NOON = 86_400.0, datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = 1 / 100
"""By how much the units of the events are longer than the journeys', where time is skipped and costs nothing.

A wait is whole units from the entry or from an event, so without this an event may come just when a wait ends that an
earlier one began. Its poke takes back the timer of the wait. Where that timer ends while the workflow task is under
way, this server refuses what the task answers, never times it out, and keeps its lock: the enrollment stands still for
ever, and so does time (temporalio/sdk-java#2606, #3088; the dev server takes the answer). A hundredth of a day is a
quarter of an hour, much longer than a busy machine is late.
"""
OURS = ("entered", "moved", "branched", "matched", "timed_out", "converted", "attributes_set", "rearmed", "declined", "ended", "planned", "skipped")  # fmt: skip

Path_ = list[tuple[str, str, str | None, float]]


def kept() -> list[Case]:
    return [Case.from_json(file.read_text()) for file in sorted(KEPT.glob("*.json"))]


class Stage:
    """One server with the product on it, and many cases at once."""

    def __init__(self, world: Any, unit: float, later: float) -> None:
        self.world, self.unit, self.later = world, unit, later
        self.programs: dict[str, Program] = {}

    async def play(self, played: Sequence[Case]) -> dict[str, Case]:
        named = {f"case{index}": case for index, case in enumerate(played)}
        for key, case in named.items():
            definition = case.stretched(key, self.unit)
            await self.world.publish(json.dumps(definition))
            self.programs[key] = compile_journey(source.check(definition)[0])
        for key, case in named.items():
            traits = {**case.traits, "email": f"{key}@example.com", "first_name": key}
            await self.world.happens({"type": "identify", "userId": key, "traits": traits})
        for key in named:
            await self.world.event(f"Enter {key}", key)
        await self._happen(named)
        return named

    async def _happen(self, named: dict[str, Case]) -> None:
        """Every script at once, in the order of the instants."""
        started = await self.world.tick()
        agenda = sorted(
            (after, key, name, properties)
            for key, case in named.items()
            for after, name, properties in scripted(case, self.unit, self.later)
        )
        for after, key, name, properties in [*agenda, (LENGTH * self.unit, "", "", "{}")]:
            left = started + timedelta(seconds=after) - await self.world.tick()
            if left > timedelta(0):
                await self._wait(left.total_seconds())
            if name == "Identify":
                await self.world.happens({"type": "identify", "userId": key, "traits": json.loads(properties)})
            elif name:
                await self.world.event(name, key)

    async def _wait(self, seconds: float) -> None:
        await self.world.settled()
        await self.world.sleep(timedelta(seconds=seconds))

    # -- comparing -----------------------------------------------------------------------------------------------------

    def produced(self, key: str, until: datetime) -> Path_:
        def read(session: Any) -> Path_:
            enrollment = session.exec(select(Enrollment).where(Enrollment.journey == key)).one()
            rows = session.exec(
                select(Decision)
                .where(Decision.enrollment_id == enrollment.id, col(Decision.number).is_not(None))
                .order_by(col(Decision.number))
            ).all()
            return [
                (one.what, one.stage or "", one.step, (one.at - enrollment.entered_at).total_seconds())
                for one in rows
                if one.what in OURS and one.at <= until
            ]

        return self.world.read(read)

    def simulated(self, key: str, until: datetime) -> Path_:
        def read(session: Any) -> CustomerHistory:
            customer = session.exec(select(Customer).where(Customer.external_id == key)).one()
            events = session.exec(select(Event).where(Event.customer_id == customer.id).order_by(col(Event.seq))).all()
            recorded = [
                RecordedEvent(seq=one.seq, name=one.name, at=one.received_at, properties=one.properties)
                for one in events
                if not one.message_id.startswith("set:")
            ]
            return CustomerHistory(id=customer.id, events=recorded)

        (enrollment,) = backtest.enrollments(
            self.programs[key], self.world.read(read), until, by_policy(assume_address=True)
        )
        trace = enrollment.trace
        told = [(one.number, one.what, one.stage, one.step, one.at) for one in trace.decisions]
        told += [
            (
                mail.plan.number,
                "planned" if mail.plan in trace.planned else "skipped",
                mail.plan.stage,
                mail.plan.step,
                mail.plan.at,
            )
            for mail in trace.mails
        ]
        return [
            (what, stage, step, (at - enrollment.event.at).total_seconds())
            for _, what, stage, step, at in sorted(told)
            if what in OURS and at <= until
        ]


def scripted(case: Case, unit: float, later: float) -> list[tuple[float, str, str]]:
    """What happens so many seconds after the entry."""
    return [(after * unit * (1 + later), name, json.dumps(properties)) for after, name, properties in case.script]


def agree(mine: Path_, theirs: Path_) -> bool:
    return [one[:3] for one in mine] == [one[:3] for one in theirs] and all(
        abs(left[3] - right[3]) <= TOLERANCE for left, right in zip(mine, theirs, strict=True)
    )


async def compare(world: Any, unit: float, played: Sequence[Case], later: float = 0.0) -> None:
    stage = Stage(world, unit, later)
    named = await stage.play(played)
    until = await world.tick() - timedelta(seconds=unit / 4)
    await world.settled()
    told: list[str] = []
    for key, case in named.items():
        mine, theirs = stage.simulated(key, until), stage.produced(key, until)
        assert mine[0][0] == "entered"
        if not agree(mine, theirs):
            KEPT.mkdir(exist_ok=True)
            name = hashlib.sha256(case.as_json().encode()).hexdigest()[:12]
            (KEPT / f"{name}.json").write_text(case.as_json() + "\n")
            told.append(f"{name}:\n  simulated {mine}\n  happened  {theirs}")
    assert not told, "\n".join(told)


def sample(count: int, skip: int) -> list[Case]:
    """So many cases, always the same; Hypothesis begins with small ones, which are left out."""
    found: list[Case] = []
    first = skip + SMALL

    @settings(
        max_examples=count + first,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
        deadline=None,
    )
    @given(case=cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found[first : first + count]


def next_deadlines(case: Case, apart: timedelta) -> Iterator[tuple[datetime, datetime | None]]:
    """Each event of a case where time is skipped, and what its enrollment waited for so long before."""
    program = compile_journey(source.check(case.stretched("case", DAY))[0])
    first = ((0.0, IDENTIFY, case.traits), (0.0, "Enter case", dict[str, Any]()))
    told = [(after, name, json.loads(properties)) for after, name, properties in scripted(case, DAY, LATER)]
    events = [
        RecordedEvent(seq=seq, name=name, at=NOON + timedelta(seconds=after), properties=properties)
        for seq, (after, name, properties) in enumerate([*first, *told], start=1)
    ]
    for index, event in enumerate(events[2:], start=2):
        history = CustomerHistory(id="cus_case", events=events[:index])
        (made,) = backtest.enrollments(program, history, event.at - apart, by_policy(assume_address=True))
        if made.trace.state.ended:
            return
        yield event.at, made.trace.state.wakes_at


@pytest.mark.parametrize("number", range(ROUNDS))
def test_where_time_is_skipped_no_event_comes_when_a_wait_ends(number: int) -> None:
    apart = timedelta(minutes=10)
    for case in [*sample(BATCH, number * BATCH), *kept()]:
        for at, deadline in next_deadlines(case, apart):
            assert deadline is None or deadline - at > apart, case


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_the_simulator_and_the_time_skipping_server_agree(skipping: Any, number: int) -> None:
    await compare(skipping, DAY, [*sample(BATCH, number * BATCH), *kept()], LATER)


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_the_simulator_and_the_dev_server_agree(real: Any, number: int) -> None:
    await compare(real, 2.0, [*sample(BATCH, number * BATCH), *kept()])
    await asyncio.sleep(0)
