"""What a person says with a control is personal as like as not: it stands in the audit log, and in no history."""

from typing import Any

from sqlmodel import select

from api.edge import controls
from api.edge.controls import WantedControl
from store.tables.access import Audit
from tests.temporal.test_stuck import JOURNEY, plain


async def test_what_is_said_with_a_control_stays_out_of_temporal(real: Any) -> None:
    await real.publish(JOURNEY)
    await real.customer()
    await real.event("Signed Up")
    await real.until(lambda: real.planned() == ["mail_a"])
    run = real.enrollment()
    for verb in ("pause", "resume", "exit"):
        wanted = WantedControl(verb=verb, said=f"{verb}: her zebra has died")
        await controls.ask_and_wait(real.parts, run.id, "usr_1", wanted, real.parts.database.write)
    await real.gateway.hurry(run.workflow_id)
    handle = real.env.client.get_workflow_handle(run.workflow_id)
    await handle.result()
    history = await handle.fetch_history()
    told = str(plain(history.to_json()))
    assert "exit" in told, "the payloads were read"
    assert "zebra" not in told
    with real.parts.database.reading() as session:
        assert len([one for one in session.exec(select(Audit)) if "zebra" in repr(one)]) == 3
