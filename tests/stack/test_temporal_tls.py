"""A Temporal behind TLS, as Temporal Cloud and clusters of one's own are: reached by every process, refused without
the right certificate, and told nothing that the installation's own codec did not encode.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.conftest import settings_for
from tests.stack.compose_file import SERVICES
from tests.stack.test_up import JOURNEY
from tests.stacks import Stack
from tests.tls import Authority, TlsProxy
from waypost.doctor import installation
from waypost.errors import CannotStart
from waypost.temporal_cluster import cluster_of
from waypost.wiring import Parts
from workflows.gateway import TemporalUnavailable

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
SERVER = "temporal.shop.example"


@dataclass(frozen=True)
class Behind:
    """A dev server behind TLS, and the settings that lead to it."""

    proxy: TlsProxy
    authority: Authority
    settings: dict[str, Any]


@pytest.fixture
async def behind(tmp_path: Path) -> Any:
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority = Authority(folder, "authority")
    certificate, key = authority.certificate("waypost.shop.example")
    server = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"), dev_server_log_level="error", namespace="shop"
    )
    port = int(server.client.service_client.config.target_host.rpartition(":")[2])
    try:
        with TlsProxy(authority, SERVER, port) as proxy:
            yield Behind(
                proxy=proxy,
                authority=authority,
                settings={
                    "temporal_address": f"127.0.0.1:{proxy.port}",
                    "temporal_namespace": "shop",
                    "temporal_tls_client_cert": certificate,
                    "temporal_tls_client_key": key,
                    "temporal_tls_server_ca": authority.file,
                    "temporal_tls_server_name": SERVER,
                },
            )
    finally:
        await server.shutdown()


def variables(settings: dict[str, Any], prefix: str = "WAYPOST_") -> dict[str, str]:
    return {f"{prefix}{name.upper()}": str(value) for name, value in settings.items()}


async def ran(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command, once it has ended."""
    run = partial(subprocess.run, command, env=env, capture_output=True, text=True, timeout=150)
    return await asyncio.to_thread(run)


# -- connections -------------------------------------------------------------------------------------------------------


async def test_a_client_with_the_right_certificate_is_let_in(behind: Behind, tmp_path: Path) -> None:
    parts = Parts(settings_for(tmp_path, **behind.settings))
    gateway = await parts.gateway()
    await gateway.examine()
    assert await gateway.healthy()
    assert behind.proxy.clients == {"waypost.shop.example"}


@pytest.mark.parametrize(
    "change",
    [
        {"temporal_tls_client_cert": None, "temporal_tls_client_key": None},
        {"temporal_tls_server_ca": None},
        {"temporal_tls_server_name": "temporal.other.example"},
        dict.fromkeys(("temporal_tls_client_cert", "temporal_tls_client_key", "temporal_tls_server_ca", "temporal_tls_server_name")),
    ],
    ids=["no certificate", "an authority that nobody knows", "another name", "plain text"],
)  # fmt: skip
async def test_who_does_not_fit_is_told_in_a_sentence(behind: Behind, tmp_path: Path, change: dict[str, Any]) -> None:
    parts = Parts(settings_for(tmp_path, **{**behind.settings, **change}))
    with pytest.raises(TemporalUnavailable, match=r"^Temporal cannot be reached at 127\.0\.0\.1:\d+: "):
        await (await parts.gateway()).examine()
    assert behind.proxy.clients == set()


async def test_a_namespace_that_is_not_there_is_told(behind: Behind, tmp_path: Path) -> None:
    parts = Parts(settings_for(tmp_path, **{**behind.settings, "temporal_namespace": "other"}))
    gateway = await parts.gateway()
    with pytest.raises(TemporalUnavailable, match="'other'.*not found"):
        await gateway.examine()


def test_an_api_key_goes_over_tls_alone(tmp_path: Path) -> None:
    cluster = cluster_of(settings_for(tmp_path, temporal_address="eu.tmprl.example:7233", temporal_api_key="tk"))
    assert (cluster.api_key, cluster.tls is not False) == ("tk", True)
    plain = cluster_of(settings_for(tmp_path, temporal_api_key="tk", temporal_tls=False))
    assert plain.tls is False
    assert cluster_of(settings_for(tmp_path)).tls is False
    assert cluster_of(settings_for(tmp_path, temporal_tls=True)).tls is not False


async def test_the_api_key_is_shown_to_the_cluster(behind: Behind, tmp_path: Path) -> None:
    parts = Parts(settings_for(tmp_path, **behind.settings, temporal_api_key="tk"))
    assert (await parts.gateway()).client.service_client.config.api_key == "tk"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"temporal_tls_client_cert": "a.pem"},
            "set both WAYPOST_TEMPORAL_TLS_CLIENT_CERT and WAYPOST_TEMPORAL_TLS_CL",
        ),
        ({"temporal_tls_server_ca": "no.pem"}, "WAYPOST_TEMPORAL_TLS_SERVER_CA: no.pem cannot be read"),
        ({"temporal_codec": "no.such:codec"}, "WAYPOST_TEMPORAL_CODEC: no.such:codec gives no codec"),
        ({"temporal_codec": "builtins:dict"}, "WAYPOST_TEMPORAL_CODEC: builtins:dict gives dict, not a PayloadCodec"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_connects(
    tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CannotStart, match=f"^{re.escape(sentence)}"):
        cluster_of(settings_for(tmp_path, **given))


# -- the codec ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The codec of docs/operate.md, saved where Python finds it."""
    page = (ROOT / "docs" / "operate.md").read_text()
    fence = re.search(r"```python\n# file: (shop_codec)\.py\n(.*?)```", page, re.DOTALL)
    assert fence is not None
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "shop_codec.py").write_text(fence[2])
    monkeypatch.syspath_prepend(tmp_path / "own")
    monkeypatch.setenv("SHOP_CODEC_KEY", "00" * 32)
    yield "shop_codec:codec"
    sys.modules.pop("shop_codec", None)


async def test_what_temporal_keeps_is_what_the_codec_made_of_it(behind: Behind, tmp_path: Path, codec: str) -> None:
    parts = Parts(settings_for(tmp_path, **behind.settings, temporal_codec=codec))
    gateway = await parts.gateway()
    await gateway.operate("operation/1", "the id of an operation")
    history = await gateway.client.get_workflow_handle("operation/1").fetch_history()
    kept = history.events[0].workflow_execution_started_event_attributes.input.payloads
    assert b"the id of an operation" not in history.to_json().encode()
    assert kept[0].metadata["encoding"] == b"binary/encrypted"
    decoded = await gateway.client.data_converter.decode(kept, [str])
    assert decoded == ["the id of an operation"]


# -- every process -----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(600)
async def test_waypost_up_runs_a_journey_on_it(behind: Behind, stack: Stack, tmp_path: Path, codec: str) -> None:
    stack.env |= variables(behind.settings) | {
        "WAYPOST_TEMPORAL_CODEC": codec,
        "PYTHONPATH": f"{ROOT}:{tmp_path / 'own'}",
        "SHOP_CODEC_KEY": "00" * 32,
    }
    stack.start()
    (tmp_path / "welcome.yaml").write_text(JOURNEY)
    for arguments in (("apply", str(tmp_path / "welcome.yaml")), ("publish", "welcome"), ("doctor",)):
        done = stack.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"answers at 127.0.0.1:{behind.proxy.port}, and has the namespace shop" in " ".join(done.stdout.split())
    batch = [
        {"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "first_name": "Ann"}},
        {"type": "track", "userId": "ann", "event": "Signed Up"},
    ]
    assert stack.api("POST", "/v1/batch", json={"batch": batch})["accepted"] == 2
    stack.until(lambda: len(stack.mails()) >= 2)


async def test_up_says_at_once_that_it_is_not_let_in(behind: Behind, stack: Stack) -> None:
    stack.env |= variables({**behind.settings, "temporal_namespace": "other"})
    done = stack.run("up")
    assert done.returncode == 1
    assert "Temporal refuses the namespace 'other'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


async def test_a_worker_that_is_not_let_in_ends_with_a_sentence(behind: Behind, stack: Stack) -> None:
    stack.env |= variables({**behind.settings, "temporal_tls_client_cert": "", "temporal_tls_client_key": ""})
    command = [sys.executable, "-m", "waypost.processes", "worker"]
    done = await ran(command, stack.env)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert done.stderr.startswith("Temporal cannot be reached at 127.0.0.1:")


async def test_the_doctor_says_what_is_wrong_with_it(behind: Behind, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, **{**behind.settings, "temporal_namespace": "other"})
    found = await asyncio.to_thread(installation.examine, settings)
    (temporal,) = [one for one in found if one.check == "temporal"]
    assert (temporal.well, "Temporal refuses the namespace 'other'" in temporal.text) == (False, True)


async def test_the_one_shot_of_the_compose_file_finds_and_makes_the_namespace(behind: Behind) -> None:
    """With the settings that the file passes on, once behind TLS and once without, blanks and all."""
    asked = {**dict.fromkeys(SERVICES["temporal-namespace"]["environment"], ""), "WAYPOST_TEMPORAL_NAMESPACE": "made"}
    plain = {"WAYPOST_TEMPORAL_ADDRESS": f"127.0.0.1:{behind.proxy.upstream}"}
    behind_tls = variables({**behind.settings, "temporal_namespace": "made"})
    assert {*behind_tls} <= {*asked}
    script = ["sh", str(ROOT / "deploy" / "temporal" / "namespace.sh")]
    for given in (behind_tls, plain):
        env = {**asked, **given, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}
        done = await ran(script, env)
        assert done.returncode == 0, done.stderr
