"""What a plan says of somebody is what their workflow then does, on the time-skipping server: mail by mail.

`make test-deep` tries all sixty pairs of versions.
"""

import os
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, or_, select

from journeys.changes.outcomes import Choices
from journeys.machine.inputs import Migrated
from journeys.simulation.forecast import run_on
from journeys.simulation.mail_policies import everything_goes
from services.changes.planning import moving
from services.changes.planning.moving import Judged, TargetVersion
from services.definitions.journey_versions import journeys
from services.reports.health import reconciliation
from store.queries.enrollment import live_enrollments
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.planning import versions

SEEDS, CUSTOMERS = (range(60), 10) if "WAYPOST_DEEP" in os.environ else ((3, 11), 6)
HORIZON, SLOW = timedelta(days=20), timedelta(minutes=10)
"""How far is looked, and how much later a step may come on a server whose clock runs on between two calls."""

Mails = list[tuple[str, datetime]]
"""Templates, each with the instant at which it was due."""


@pytest.fixture(autouse=True)
def templates_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "TEMPLATES", ("mail_a", "mail_b", "mail_c"))


async def under_way(world: Any, old: str, choose: random.Random) -> None:
    """Customers enter, and act for some days."""
    await world.publish(old)
    for number in range(CUSTOMERS):
        traits = {"email": f"u{number}@example.com", "vip": choose.random() < 0.5, "timezone": "Europe/Berlin"}
        await world.happens({"type": "identify", "userId": f"u{number}", "traits": traits})
        await world.event("Signed Up", f"u{number}")
        if choose.random() < 0.5:
            await world.settled()
            await world.passes(hours=choose.randint(1, 60))
            await world.event(choose.choice(versions.EVENTS), f"u{choose.randint(0, number)}")
    await world.settled()


def foreseen(session: Any, judged: Judged, target: TargetVersion, now: datetime) -> Mails:
    """The mails that are due from now on, by the plan: under the new version, or the old one where it is kept."""
    outcome, stands = judged.outcome, judged.standing
    program = target.program if outcome.state else journeys.compiled(session, judged.enrollment.digest)
    first = [Migrated(at=now)] if outcome.state else []
    state = outcome.state or stands.state
    trace = run_on(
        program, state, stands.known, stands.enrollment, everything_goes, now, now + HORIZON, most=99, first=first,
        splits=stands.splits, in_ledger=stands.in_ledger,
    )  # fmt: skip
    skipped = {(step, state.visit) for step in outcome.repeats}
    return [(one.template, one.plan.due) for one in trace.mails if (one.plan.step, one.plan.visit) not in skipped]


def came(session: Any, enrollment: str, now: datetime, known: set[str]) -> Mails:
    """The mails that were planned and due from then on, those among them that were taken back as well.

    Nobody delivers here, so whoever leaves a stage takes back what a lane would have sent before.
    """
    went = or_(col(Message.status) == "planned", col(Message.reason).in_(("pre_empted", "exited")))
    query = select(Message).where(Message.enrollment_id == enrollment, went)
    rows: Sequence[Message] = session.exec(query.order_by(col(Message.due), col(Message.planned_at))).all()
    return [(one.template, one.due) for one in rows if one.id not in known and one.due <= now + HORIZON]


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_mail_of_the_plan_comes_and_no_other(skipping: Any, seed: int) -> None:
    choose = random.Random(seed)
    made = versions.pair(choose)
    while made.texts[0] == made.texts[1]:  # which would be no version
        made = versions.pair(choose)
    await under_way(skipping, made.texts[0], choose)
    await skipping.publish(made.texts[1])
    now = await skipping.tick()
    with skipping.parts.database.writing() as session:
        version, program = journeys.live(session, "j")
        chosen = Choices(spread=timedelta())
        target = TargetVersion(number=version.number, program=program, moves=made.moves, choices=chosen)
        live = live_enrollments.page(session, "j", "", 1_000)
        judged = list(moving.judge(session, target, live, now))
        wanted = {one.enrollment.id: foreseen(session, one, target, now) for one in judged}
        known = set(session.exec(select(Message.id)).all())
        kinds = moving.move(session, target, {one.id: one.customer_id for one in live}, now)
    assert sum(kinds.values()) == len(live)
    assert kinds == Counter(one.outcome.kind for one in judged)
    await skipping.settled()
    for _ in range(HORIZON.days + 1):
        await skipping.passes(days=1)
        await skipping.settled(5)
    with skipping.parts.database.reading() as session:
        for one in judged:
            if one.outcome.kind == "unsettled":
                continue
            found, told = came(session, one.enrollment.id, now, known), wanted[one.enrollment.id]
            assert [template for template, _ in found] == [template for template, _ in told], one.outcome
            assert all(abs(at - due) < SLOW for (_, at), (_, due) in zip(found, told, strict=True)), (found, told)
            row = session.get(Enrollment, one.enrollment.id)
            assert row is not None
            assert row.version == (target.number if one.outcome.state else one.enrollment.version)
        assert reconciliation.reconcile(session, recount=True)["balanced"]
