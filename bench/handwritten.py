"""The floors: what somebody would write straight onto Temporal, doing the same work in the database."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow

SECOND = timedelta(seconds=1)


class Ledger:
    """Three local activities that write what the product writes for a mail: a message and a decision."""

    def __init__(self, database: Any) -> None:
        self._database = database

    @activity.defn(name="plain_plan")
    def plan(self, enrollment: str, step: str) -> str:
        from datetime import UTC, datetime

        from store import bulk
        from store.ids import message_of_step
        from store.queries.enrollment import decisions
        from store.tables.customers import Customer
        from store.tables.messages import Message

        now, id = datetime.now(UTC), message_of_step(enrollment, step, 1)
        with self._database.writing() as session:
            customer = session.get(Customer, "cus_bench")
            row: dict[str, Any] = {
                "id": id, "enrollment_id": enrollment, "customer_id": "cus_bench", "journey": "plain", "digest": "",
                "stage": "main", "step": step, "visit": 1, "template": step, "topic": "general", "lane": "bench",
                "status": "planned" if customer and customer.email else "skipped", "due": now, "planned_at": now,
                "updated_at": now, "attempt": 0,
            }  # fmt: skip
            bulk.add(session, Message, [row])
            decided = decisions.row(
                "cus_bench",
                "planned",
                {},
                now,
                journey="plain",
                enrollment_id=enrollment,
                stage="main",
                step=step,
                visit=1,
            )
            decisions.add(session, [decided])
        return "planned"


@workflow.defn(name="PlainJourney")
class PlainJourney:
    """The reference journey by hand: send A, wait, send B, wait for an event that times out, send C."""

    def __init__(self) -> None:
        self.done = False

    @workflow.signal
    def event(self) -> None:
        self.done = True

    async def send(self, enrollment: str, step: str) -> None:
        await workflow.execute_local_activity("plain_plan", args=[enrollment, step], start_to_close_timeout=60 * SECOND)

    @workflow.run
    async def run(self, enrollment: str, wait: int) -> None:
        await self.send(enrollment, "a")
        await workflow.sleep(wait * SECOND)
        await self.send(enrollment, "b")
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self.done, timeout=wait * SECOND)
        await self.send(enrollment, "c")


@workflow.defn(name="PlainStart")
class PlainStart:
    """A bare start: one local activity and one timer."""

    @workflow.run
    async def run(self, number: int) -> None:
        await workflow.execute_local_activity("plain_nothing", number, start_to_close_timeout=60 * SECOND)
        await workflow.sleep(timedelta(days=14))


@activity.defn(name="plain_nothing")
def nothing(number: int) -> int:
    return number
