"""What reaches out of a journey, on the real server: schedules, webhooks, notes to colleagues."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from sqlmodel import select

from services.customers.audiences import segments
from store.tables.enrollments import Enrollment, Hook
from store.tables.messages import OutboxMail
from waypost.processes.scheduler import Scheduler
from workflows.gateway import Gateway

DIGEST = """
journey: digest
enter: [{schedule: {at: "09:00", on: mon, timezone: Europe/Berlin}, segment: team}]
reentry: after_exit
start: a
stages: {a: {steps: [{send: mail_a}], final: true}}
"""


async def test_a_schedule_lets_the_members_of_a_segment_in(real: Any) -> None:
    with real.parts.database.writing() as session:
        segments.put(session, "team", "customer.plan == 'team'", None, await real.tick())
    await real.publish(DIGEST)
    for user, plan in (("ann", "team"), ("bob", "solo"), ("cy", "team")):
        await real.happens(
            {
                "type": "identify",
                "userId": user,
                "traits": {"plan": plan, "email": f"{user}@example.com", "first_name": user},
            }
        )
    scheduler = Scheduler(real.parts.database, real.gateway)
    await scheduler.round()
    schedule = await real.schedule()
    described = await real.env.client.get_schedule_handle(schedule.id).describe()
    calendar = described.schedule.spec.calendars[0]
    assert (calendar.hour[0].start, calendar.day_of_week[0].start) == (9, 1)
    assert described.schedule.spec.time_zone_name == "Europe/Berlin"
    async with real.delivery():
        await real.env.client.get_schedule_handle(schedule.id).trigger()
        await real.until(lambda: len(real.read(lambda s: s.exec(select(Enrollment)).all())) == 2)
    await real.dispatcher.drain()
    await real.until(lambda: len(real.planned()) == 2)
    await real.publish(DIGEST.replace("09:00", "10:00"))
    await scheduler.round()
    assert (await real.schedule(schedule.id)).id != schedule.id


class Behind:
    """A client whose list of schedules is what there was at its last look, as a busy server's is."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def list_schedules(self) -> AsyncIterator[Any]:
        seen, self._seen = self._seen, [one async for one in await self._client.list_schedules()]
        return _each(seen)


async def _each(listed: list[Any]) -> AsyncIterator[Any]:
    for one in listed:
        yield one


async def test_a_schedule_that_ends_as_soon_as_it_was_made_is_ended(real: Any) -> None:
    with real.parts.database.writing() as session:
        segments.put(session, "team", "customer.plan == 'team'", None, await real.tick())
    scheduler = Scheduler(real.parts.database, cast(Gateway, SimpleNamespace(client=Behind(real.env.client))))
    await real.publish(DIGEST)
    await scheduler.round()
    first = await real.schedule()
    await real.publish(DIGEST.replace("09:00", "10:00"))
    await scheduler.round()
    for _ in range(4):
        await scheduler.round()
        await asyncio.sleep(0.5)
    assert (await real.schedule(first.id)).id != first.id


async def test_a_webhook_and_a_note_leave_a_journey_once(real: Any, receiver: Any) -> None:
    await real.publish(
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n  a:\n    steps:\n"
        f"      - webhook: {{url: '{receiver.url}', body: {{name: '{{{{ customer.first_name }}}}', plan: 3}}}}\n"
        "      - notify: {email: sales@example.com, subject: 'Call {{ customer.first_name }}', text: 'now <please>'}\n"
        "      - wait: 30 days\n"
    )
    await real.customer("ann")
    await real.event("Signed Up")
    await real.until(lambda: len(real.read(lambda s: s.exec(select(Hook)).all())) == 2)
    lane = real.parts.pumped("hooks")
    lane.take()
    await real.tick()
    real.clock.forward(seconds=1)
    receiver.status = 503
    assert await lane.pump() == 2
    await lane.drain()
    receiver.status = 200
    real.clock.forward(seconds=6)
    assert await lane.pump() == 1
    await lane.drain()
    assert await lane.pump() == 0
    assert [body for _, body in receiver.got] == [b'{"name":"ann","plan":3}'] * 2
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    (mail,) = real.read(lambda s: s.exec(select(OutboxMail)).all())
    assert (mail.to_address, mail.subject) == ("sales@example.com", "Call ann")
    assert "now &lt;please&gt;" in mail.html
    told = [what for number, what, _ in real.story() if number is None]
    assert sorted(told) == ["hook_delivered", "hook_delivered", "hook_failing"]
