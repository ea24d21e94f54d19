"""The tests' own PostgreSQL ends with the process that started it, also where that process is killed."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
STARTS = """
import time
from tests import postgresql

with postgresql.server() as running:
    print(running.get_pid(), running.pgdata, flush=True)
    time.sleep(600)
"""


def test_a_server_does_not_outlive_a_process_that_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", STARTS], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, folder = owner.stdout.readline().split()
    server = psutil.Process(int(pid))
    owner.kill()
    owner.communicate()
    server.wait(60)
    deadline = time.monotonic() + 60
    while Path(folder).exists():
        assert time.monotonic() < deadline, "its data stay"
        time.sleep(0.05)
