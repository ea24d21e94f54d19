"""The processes of an installation: the API, and a worker. They know nothing of terminals, which saves them 10 MB each.

python -m waypost.processes api
python -m waypost.processes worker
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping

from waypost import logs
from waypost.errors import CannotStart
from waypost.settings import Settings
from waypost.wiring import Parts


def api(parts: Parts) -> None:
    """Serve until a signal comes."""
    from waypost.api import serve

    logs.configure()
    serve(parts)


def worker(parts: Parts) -> None:
    """Work until a signal comes, then drain."""
    from waypost.worker import run

    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(parts, stop)

    logs.configure()
    asyncio.run(until_signal())


PROCESSES: Mapping[str, Callable[[Parts], None]] = {"api": api, "worker": worker}


def main(name: str) -> int:
    """Run one; the exit status."""
    parts = Parts(Settings())
    try:
        PROCESSES[name](parts)
    except CannotStart as cannot:
        sys.stderr.write(f"{cannot}\n")
        return 1
    finally:
        parts.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
