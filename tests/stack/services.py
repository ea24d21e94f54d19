"""The services of docker-compose.yml as processes of this machine."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.stack.compose_file import ENV_FILE, IN_THE_IMAGE, ROOT, SERVICES
from waypost.stack.free_port import free_port

MADE_HERE = {*IN_THE_IMAGE, "PYTHONPATH"}


class Services:
    """The services of the file as processes, with the hosts of this machine in place of the containers'."""

    def __init__(self, folder: Path, database: str, smtp_port: int) -> None:
        self.folder = folder
        self.temporal_port, self.api_port = free_port(), free_port()
        self.metrics = {"journeys": free_port(), "delivery": free_port()}
        self.health = {"journeys": free_port(), "delivery": free_port()}
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
        if service in self.health:
            metrics["WAYPOST_HEALTH"] = f"127.0.0.1:{self.health[service]}"
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
        port = self.health.get(service, self.api_port)
        code = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", check[3])
        return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30).returncode == 0
