"""Records the histories that `test_replay` replays. Not a test: `make record` runs it, on purpose."""

from pathlib import Path
from typing import Any

import pytest

from workflows.gateway import Refused

HERE = Path(__file__).parent
HISTORIES = HERE / "histories"
TEXT = (HERE / "everything.yaml").read_text()
NAMES = ("completed", "controlled", "exited", "inactive", "moved", "waiting")


async def test_record(real: Any) -> None:
    await real.publish(TEXT)
    for name in NAMES:
        await real.customer(name)
        await real.event("Signed Up", name)
    for name in NAMES:
        await real.at("first", "first/wait:1 second", name)
    await real.event("Order Completed", "moved", total=50)
    await real.event("Order Completed", "inactive", total=5)
    await real.event("Account Closed", "exited")
    controlled = real.enrollment("controlled").workflow_id
    for verb in ("pause", "resume", "skip"):
        await real.gateway.control(controlled, verb)
    with pytest.raises(Refused):
        await real.gateway.control(controlled, "resume")
    await real.event("Tour Watched", "inactive")
    await real.until(lambda: real.enrollment("moved").status == "ended")
    await real.until(lambda: real.enrollment("inactive").step not in ("first/wait:1 second",))
    await real.event("Tour Watched", "inactive")
    await real.until(
        lambda: "until" in str(real.enrollment("waiting").step) or "09:00" in str(real.enrollment("waiting").step)
    )
    await real.gateway.control(real.enrollment("completed").workflow_id, "skip")
    await real.until(lambda: real.enrollment("completed").status == "ended")
    await real.gateway.control(controlled, "exit")
    HISTORIES.mkdir(exist_ok=True)
    for name in NAMES:
        handle = real.env.client.get_workflow_handle(real.enrollment(name).workflow_id)
        (HISTORIES / f"{name}.json").write_text((await handle.fetch_history()).to_json())
