"""A wake that fails again and again, on the real server: it is told, and goes on once it can."""

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
    point_at(real, digest)
    await real.event("Bought")
    await real.until(lambda: real.enrollment().status == "ended")
    assert (real.stage(), real.enrollment().stuck) == ("b", None)
