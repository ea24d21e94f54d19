"""Wakes ahead of the workflows, on the real server: each acts once whoever is first, and every workflow ends."""

import asyncio
from collections import Counter
from typing import Any

from sqlmodel import select

from services.enrollments.waking import wake
from store.tables.enrollments import Decision
from store.tables.messages import Message

HERD = 50

JOURNEY = """journey: herd
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}, {wait: 4 seconds}, {send: mail_b}], final: true}
"""


async def test_a_herd_acts_once_each_whether_workflow_or_dispatcher_is_first(real: Any) -> None:
    """Both look at the same second; whoever comes second is told what the other has done."""
    await real.publish(JOURNEY)
    users = [f"u{number}" for number in range(HERD)]
    await real.happens(
        *({"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in users),
        *({"type": "track", "userId": one, "event": "Signed Up"} for one in users),
    )
    leading = asyncio.create_task(lead(real))
    await real.until(lambda: len(real.planned()) == 2 * HERD)
    runs = [real.enrollment(one) for one in users]
    ended = [real.env.client.get_workflow_handle(one.workflow_id).result() for one in runs]
    assert await asyncio.gather(*ended) == ["completed"] * HERD
    leading.cancel()
    mails = real.read(lambda s: Counter(s.exec(select(Message.enrollment_id, Message.template)).all()))
    planned = real.read(lambda s: Counter(s.exec(select(Decision.enrollment_id, Decision.what)).all()))
    assert {*mails.values()} == {1}
    assert [planned[one.id, "planned"] for one in runs] == [2] * HERD
    assert "put_right" not in {what for _, what in planned}


async def lead(real: Any) -> None:
    while True:
        await real.tick()
        await real.dispatcher.ahead.round()
        await asyncio.sleep(0.05)


async def test_where_the_dispatcher_dies_behind_a_wake_the_workflow_still_follows_and_ends(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    run = real.enrollment()
    later = (await real.tick()).replace(year=run.entered_at.year + 1)
    real.parts.database.write(lambda session: wake.lead(session, [run.id], later))  # and that was the last of it
    assert real.enrollment().status == "ended"
    assert await real.env.client.get_workflow_handle(run.workflow_id).result() == "completed"
    assert (real.planned(), real.enrollment().wakes) == (["mail_a", "mail_b"], 2)
