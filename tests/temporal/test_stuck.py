"""A wake that fails again and again, on the real server: it is told, and goes on once it can."""

import base64
import re
from typing import Any

from sqlmodel import select

from store.tables.enrollments import Enrollment

JOURNEY = """journey: welcome
enter: [{on: Signed Up}]
start: a
stages:
  a: {steps: [{send: mail_a}], transitions: [{on: Bought, to: b}]}
  b: {steps: [{send: mail_b}], final: true}
"""


def plain(history: str) -> list[bytes]:
    """A history with its payloads read."""
    return [history.encode(), *map(base64.b64decode, re.findall(r'"data": ?"([^"]+)"', history))]


def point_at(real: Any, digest: str) -> None:
    """Have Ann's enrollment follow this definition."""
    with real.parts.database.writing() as session:
        enrollment = session.exec(select(Enrollment)).one()
        enrollment.digest = digest
        session.add(enrollment)


async def test_an_enrollment_that_is_stuck_is_told_and_goes_on_with_the_next_poke(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    digest = real.enrollment().digest
    point_at(real, "nowhere")
    await real.event("Bought")
    await real.until(lambda: real.enrollment().stuck is not None)
    assert real.enrollment().stuck == "NotFound: there is no definition with the digest nowhere"
    assert (real.stage(), [what for _, what, _ in real.story()].count("stuck")) == ("a", 1)
    history = await real.env.client.get_workflow_handle(real.enrollment().workflow_id).fetch_history()
    assert "nowhere" not in str(plain(history.to_json())), "what an error says may be personal"
    point_at(real, digest)
    await real.event("Bought")
    await real.until(lambda: real.enrollment().status == "ended")
    assert (real.stage(), real.enrollment().stuck) == ("b", None)
