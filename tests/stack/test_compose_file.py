"""docker-compose.yml gives each service the settings that it reads and no others, and says how each is kept running."""

import os
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ruamel.yaml import YAML

from mail.signed_links import Links, Unsubscribe
from tests.stack.compose_file import ENV_FILE, IN_THE_IMAGE, OURS, ROOT, SERVICES
from waypost.processes import api as processes_api
from waypost.processes import worker
from waypost.processes.worker import PUMPED
from waypost.setting_readers import Reader
from waypost.settings import Settings
from waypost.wiring import Parts

TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT"}
TRACED = ("api", "journeys", "delivery")


FIXED = {"WAYPOST_DATABASE_URL", "WAYPOST_METRICS", "WAYPOST_HEALTH", "WAYPOST_BUILD_ID"}
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
        "WAYPOST_OPENID_CLIENT_SECRET": {"api"},
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
