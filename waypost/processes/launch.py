"""The processes of an installation: the API, and a worker. They know nothing of terminals, which saves them 10 MB each.

python -m waypost.processes api
python -m waypost.processes worker [journeys | delivery]
"""

import asyncio
import signal
import sys

# structlog would import it to colour what a terminal shows, and no process of ours writes to one.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]

from collections.abc import Callable, Mapping  # noqa: E402

import structlog  # noqa: E402

from waypost.errors import CannotStart  # noqa: E402
from waypost.process_end import end  # noqa: E402
from waypost.settings import Settings  # noqa: E402
from waypost.telemetry import logs  # noqa: E402
from waypost.wiring import Parts, check_catalogues  # noqa: E402
from workflows.gateway import TemporalUnavailable  # noqa: E402


def api(parts: Parts, *_: str) -> None:
    """Serve until a signal comes."""
    from waypost.processes.api import serve

    logs.configure()
    serve(parts)


def worker(parts: Parts, *queues: str) -> None:
    """Work (on these task queues alone) until a signal comes, then drain."""
    from waypost.processes import garbage_collection
    from waypost.processes.supervision import CutOff
    from waypost.processes.worker import QUEUES, run

    unknown = sorted({*queues} - {*QUEUES})
    if unknown:
        raise CannotStart(f"there is no task queue {unknown[0]!r}; there are {', '.join(QUEUES)}")

    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await run(parts, stop, queues or QUEUES)
        except CutOff as cut:  # what is left would hold up the loop and the interpreter as it held up the drain
            structlog.get_logger("waypost.worker").warning("worker_cut_off", left=cut.left)
            parts.close()
            end(0 if stop.is_set() else 1)

    logs.configure()
    garbage_collection.freeze_loaded()
    asyncio.run(until_signal())


PROCESSES: Mapping[str, Callable[..., None]] = {"api": api, "worker": worker}
"""What can be started as a process of its own, by name."""


def main(name: str, *queues: str) -> int:
    """Run one; the exit status."""
    parts = Parts(Settings())
    parts.trace(name)
    try:
        check_catalogues(parts.settings)
        PROCESSES[name](parts, *queues)
    except (CannotStart, TemporalUnavailable) as cannot:
        sys.stderr.write(f"{cannot}\n")
        return 1
    finally:
        parts.close()
    return 0
