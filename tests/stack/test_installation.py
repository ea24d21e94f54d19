"""What docker-compose.yml runs, run here without Docker: its commands and its settings, as they stand in the file.

PostgreSQL comes from a wheel, the Temporal dev server stands in for the cluster, mail goes to a real SMTP inbox.
"""

import json
import os
import re
import subprocess
import time
from collections import Counter

import httpx
import pytest
from ruamel.yaml import YAML

from services.reports.health.readiness import DEADLINES, DISPATCHERS, FOLLOWING, WAKERS
from tests.stack.compose_file import BIN, ROOT
from tests.stack.receivers import Collector, Inbox
from tests.stack.services import Services
from tests.stacks import answers
from waypost.processes.worker import PUMPED

ALERTS = YAML(typ="safe", pure=True).load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0][
    "rules"
]


ON_FAILURE = {"temporal_workflow_task_execution_failed_total"}
"""What the SDK shows once a workflow task has failed, and not before."""


def observed(run: Services) -> None:
    """Every number that the dashboard and the alerts name is shown by a process that runs."""
    shown = run.api("GET", "/metrics")
    for port in run.metrics.values():
        shown += httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=60).text
    there = set(re.findall(r"^(?:# TYPE )?([a-z_]+)[{ ]", shown, re.MULTILINE))
    panels = json.loads((ROOT / "deploy" / "grafana" / "waypost.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    asked += [rule["expr"] for rule in ALERTS]
    named = {name for text in asked for name in re.findall(r"\b(?:waypost|temporal|process)_[a-z_]+", text)}
    assert len(named) > 12
    assert named - there - ON_FAILURE == set()


def test_each_alarm_says_what_to_do() -> None:
    page = (ROOT / "docs" / "operate.md").read_text()
    for rule in ALERTS:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert f"| `{rule['alert']}` |" in page


JOURNEY = """journey: hello
enter: [{on: Signed Up}]
start: new
stages:
  new:
    steps: [{send: welcome}, {wait: 30 days}]
"""
CUSTOMERS = 300


@pytest.mark.timeout(600)
def test_the_installation_runs_and_a_worker_that_is_stopped_drains(
    installation: Services, inbox: tuple[Inbox, int], collector: Collector
) -> None:
    run, received = installation, inbox[0].got
    run.start("temporal", [str(BIN / "temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1",
                           "--port", str(run.temporal_port), "--log-level", "error"])  # fmt: skip
    path = {**run.environment("temporal-namespace"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    for _ in range(2):  # the second time there is nothing to do
        script = ["sh", str(ROOT / "deploy" / "temporal" / "namespace.sh")]
        done = subprocess.run(script, env=path, capture_output=True, text=True, timeout=150)
        assert done.returncode == 0, done.stderr
    run.once("migrate")
    run.once("migrate")
    assert not (run.folder / "admin.key").exists(), "services share the folder, and no other one needs the key"
    for service in ("api", "journeys", "delivery"):
        run.start(service)
    for service in ("api", "journeys", "delivery"):
        run.until(lambda service=service: run.healthy(service))
    run.once("promote")
    run.until(lambda: answers(f"http://127.0.0.1:{run.api_port}/readyz"))

    run.api("PUT", "/v1/journeys/hello", content=JOURNEY)
    run.api("POST", "/v1/journeys/hello/publish")
    people = [f"c{number}" for number in range(CUSTOMERS)]
    batch = [
        one
        for user in people
        for one in (
            {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com", "first_name": user}},
            {"type": "track", "userId": user, "event": "Signed Up"},
        )
    ]
    assert run.api("POST", "/v1/batch", json={"batch": batch})["accepted"] == len(batch)

    run.until(lambda: len(received) >= 20)
    took = {service: run.stop(service) for service in ("delivery", "journeys")}
    assert max(took.values()) < 30, took
    assert 20 <= len(received) < CUSTOMERS, "they were stopped in the middle"
    run.given["WAYPOST_VERSION"] = "0.2.0"  # the next build takes over
    for service in ("journeys", "delivery"):
        run.start(service)
    run.once("promote")
    run.until(lambda: len(received) >= CUSTOMERS)
    run.until(lambda: len(run.api("GET", "/v1/messages?status=accepted&limit=1")["items"]) == 1)
    run.until(lambda: not any(run.api("GET", "/v1/reports/reconciliation")["on_their_way"].values()))
    time.sleep(2)
    assert sorted(to for to, _ in received) == sorted(f"{user}@example.com" for user in people), "each once, none lost"
    books = run.api("GET", "/v1/reports/reconciliation")
    assert books["balanced"] is True
    assert received[0][1]["From"] == "Shop <hello@shop.example>"

    observed(run)
    numbers = run.api("GET", "/metrics")
    assert 'waypost_enrollments{journey="hello",stage="new"} 300.0' in numbers
    assert 'waypost_lane_lag_seconds{lane="journey"} 0.0' in numbers
    assert re.search(r'waypost_http_requests_total\{method="POST",route="/v1/batch",status="200"\} 1\.0', numbers)
    work = httpx.get(f"http://127.0.0.1:{run.metrics['delivery']}/metrics", trust_env=False, timeout=60).text
    assert re.search(r'waypost_sends_total\{[^}]*lane="journey"[^}]*outcome="accepted"', work)
    assert (
        "temporal_"
        in httpx.get(f"http://127.0.0.1:{run.metrics['journeys']}/metrics", trust_env=False, timeout=60).text
    )
    own = {
        service: httpx.get(f"http://127.0.0.1:{run.health[service]}/healthz", trust_env=False, timeout=60).json()
        for service in ("journeys", "delivery")
    }
    assert {one["status"] for one in own.values()} == {"ok"}, own
    parts = {service: {one["part"] for one in found["parts"]} for service, found in own.items()}
    assert parts == {
        "journeys": {*WAKERS, *DISPATCHERS, DEADLINES, FOLLOWING, "scheduler"},
        "delivery": {f"lane/{lane}" for lane in PUMPED},
    }
    for service in ("api", "journeys", "delivery"):
        assert run.stop(service) < 30
    traced(collector)


def traced(collector: Collector) -> None:
    """One trace leads from the request to each mail that it caused, through the workflow, and names nobody."""
    (request,) = [one for one in collector.spans if one[2] == "POST /v1/batch"]
    assert request[0] == "waypost-api"
    caused = Counter((service, name) for service, trace, name, _ in collector.spans if trace == request[1])
    assert caused["waypost-worker", "dispatch start"] >= CUSTOMERS, "one that was not answered in time is tried again"
    assert caused["waypost-worker", "wake"] >= CUSTOMERS
    assert caused["waypost-worker", "deliver"] >= CUSTOMERS - 20, "all but those of a worker that was stopped"
    outcomes = {said["outcome"] for _, _, name, said in collector.spans if name == "deliver"}
    assert outcomes <= {"accepted", "planned"}
    assert "example.com" not in str(collector.spans)
