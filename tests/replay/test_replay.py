"""Code changes do not break runs: recorded histories of every step kind are replayed.

`make record` records them anew (on purpose: what is under way in production was recorded by the old code). Those of each
shell stand in a folder that its ADR names.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.program.program import Digest, Program
from workflows.claim_check import data_converter
from workflows.journey import JourneyWorkflow

HERE = Path(__file__).parent
HISTORIES = HERE / "histories"
TEXTS = [(HERE / name).read_text() for name in ("everything.yaml", "language.yaml")]
PROGRAMS = {program.digest: program for program in (compile_journey(source.read(text)[0]) for text in TEXTS)}
RECORDED = sorted(str(path.relative_to(HISTORIES).with_suffix("")) for path in HISTORIES.glob("*/*.json"))
SHELLS = ("0013", "0015")
KINDS = ["completed", "controlled", "exited", "inactive", "language-dated", "language-turned", "moved", "waiting"]


async def resolve(digest: str) -> Program:
    assert digest in PROGRAMS, "the definition of the recorded histories must not change"
    return PROGRAMS[Digest(digest)]


def test_every_kind_of_history_is_recorded() -> None:
    assert [f"{shell}/{kind}" for shell in SHELLS for kind in KINDS] == RECORDED


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recorded_history_replays(name: str) -> None:
    replayer = Replayer(
        workflows=[JourneyWorkflow],
        data_converter=data_converter(resolve),
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_all_modules()
        ),
    )
    history = WorkflowHistory.from_json(f"enrollment/everything/{name}", (HISTORIES / f"{name}.json").read_text())
    await replayer.replay_workflow(history)
