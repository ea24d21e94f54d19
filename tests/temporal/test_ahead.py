"""Looking ahead on the real server: a forecast from the enrollment's state, a simulation as an operation."""

from typing import Any

from journeys.machine.state import State
from journeys.machine.woken import restored
from services.enrollments.forecast import enrollment_forecast
from services.operations import operations
from store.tables.access import Operation
from store.tables.enrollments import Enrollment

JOURNEY = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a:
    steps: [{wait: 30 days}, {send: mail_a}]
    transitions: [{on: Order Completed, to: b}]
  b: {steps: [{send: mail_b}], final: true}
"""


async def test_a_forecast_reads_the_state_that_the_workflow_has_too(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.at("a", "a/wait:30 days")
    enrollment: Enrollment = real.enrollment()
    state = restored(enrollment.state)
    await real.gateway.hurry(enrollment.workflow_id)
    workflow = real.env.client.get_workflow_handle(enrollment.workflow_id)
    assert await workflow.query("current", result_type=State) == state
    with real.parts.database.reading() as session:
        (action,) = enrollment_forecast.next_actions(session, enrollment, state, real.clock())
        local = enrollment_forecast.local(session, enrollment, action.at)
    assert (action.what, action.step, action.unless) == ("send", "a/send:mail_a", ("Order Completed (to b)",))
    assert local.endswith(" UTC")


async def test_a_simulation_is_an_operation_that_is_watched(real: Any) -> None:
    await real.publish(JOURNEY)
    for user in ("ann", "bob", "cy"):
        await real.event("Signed Up", user)
    await real.event("Order Completed", "bob")
    with real.parts.database.writing() as session:
        request = {"journey": "welcome", "version": None, "from": None, "until": None}
        first = operations.start(session, "simulate", request, real.clock()).id
        stopped = operations.start(session, "simulate", request, real.clock()).id
        operations.cancel(session, stopped)

    def operation(name: str) -> Operation:
        with real.parts.database.reading() as session:
            return operations.get(session, name)

    async with real.delivery():
        await real.dispatcher.drain()
        await real.until(lambda: all(operation(name).finished_at for name in (first, stopped)))
    done = operation(first)
    assert (done.status, done.done, done.total) == ("done", 3, 3)
    assert done.result is not None
    assert (done.result["stages"], done.result["ended"]) == ({"a": 2}, {"completed": 1})
    assert (operation(stopped).status, operation(stopped).result) == ("cancelled", None)
