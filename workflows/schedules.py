"""Journeys' schedules as Temporal Schedules: what is live is there, and nothing else.

A schedule's id holds the digest of the definition, so that a change of the journey makes a new one and ends the old.
"""

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from journeys.program.program import Program, ScheduleTrigger
from workflows.task_queues import JOURNEYS

PREFIX = "journey/"
"""How the ids of our schedules begin; what else is in the namespace is left alone."""

CATCH_UP = timedelta(hours=12)
"""An occasion that was missed while Temporal was away is made up for within so long: a night, not a holiday."""

AWAY = frozenset(
    {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED}
    | {RPCStatusCode.CANCELLED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED}
)
"""Answers that concern no single schedule: the others would get the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """How many schedules were made, how many ended, and those for which that failed, by id."""

    made: int
    ended: int
    failed: Mapping[str, Exception]


async def reconcile(client: Client, programs: Iterable[Program]) -> Reconciled:
    """Make the schedules of these live journeys, end all others of ours; one that Temporal refuses fails alone.

    A schedule that is there already is left as it is. Raises RPCError where Temporal does not answer.
    """
    wanted = {_id(program, one): (program, one) for program in programs for one in program.schedules}
    found = {entry.id async for entry in await client.list_schedules() if entry.id.startswith(PREFIX)}
    failed = dict[str, Exception]()
    ended = [await _alone(name, _end(client, name), failed) for name in sorted(found - wanted.keys())]
    made = [await _alone(name, _make(client, name, *wanted[name]), failed) for name in sorted(wanted.keys() - found)]
    return Reconciled(made=sum(made), ended=sum(ended), failed=failed)


async def _alone(name: str, change: Awaitable[int], failed: dict[str, Exception]) -> int:
    """Its own result: what is raised for one schedule is kept, unless it is Temporal that does not answer."""
    try:
        return await change
    except RPCError as error:
        if error.status in AWAY:
            raise
        failed[name] = error
    except Exception as error:
        failed[name] = error
    return 0


def _id(program: Program, one: ScheduleTrigger) -> str:
    return f"{PREFIX}{program.journey}/{one.name}/{program.digest}"


async def _make(client: Client, name: str, program: Program, one: ScheduleTrigger) -> int:
    action = ScheduleActionStartWorkflow(
        "SweepWorkflow", args=[program.digest, one.name], id=f"sweep/{program.journey}/{one.name}", task_queue=JOURNEYS
    )
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP)
    try:
        await client.create_schedule(name, Schedule(action=action, spec=spec(one), policy=policy))
    except ScheduleAlreadyRunningError:
        return 0
    return 1


async def _end(client: Client, name: str) -> int:
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return 0  # the server lists it for a while after its end
    return 1


def spec(one: ScheduleTrigger) -> ScheduleSpec:
    """Local times as Temporal reads them: it counts weekdays from Sunday."""
    days = [ScheduleRange((day + 1) % 7) for day in sorted(one.time.days)]
    calendar = ScheduleCalendarSpec(
        hour=[ScheduleRange(one.time.at.hour)],
        minute=[ScheduleRange(one.time.at.minute)],
        day_of_month=[ScheduleRange(one.day)] if one.day is not None else [ScheduleRange(1, 31)],
        day_of_week=days,
    )
    return ScheduleSpec(calendars=[calendar], time_zone_name=one.timezone or "UTC")
