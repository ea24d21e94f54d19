"""Templates are rendered in processes of their own, so that a poison one harms nobody else.

A render that takes too long or too much memory ends its process and is a TemplateProblem; the next one gets a fresh
process. A template that has never been rendered well has one process at most, and one that killed twice is refused for
a while, so that a thousand mails of it do not cost a thousand time-outs.

Templates queue by what is known of them, each kind in the order of their coming, and no kind takes the places of
another: those that were rendered well before never wait for one that is tried for the first time, and those never wait
for one that killed a process.
"""

import os
import selectors
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from mail.rendering.limits import MEMORY, QUARANTINE, SECONDS, SECONDS_PER_MILLION
from mail.rendering.templates import PARTS, CheckedTemplate, Rendered, TemplateProblem, TemplateTexts, name_of

TWICE = 2
"""Deaths after which a template is refused for a while: one may have been chance, or the machine."""

START_SECONDS = 60.0
"""What a process may take to start; on a machine with both cores busy it takes some seconds."""


SLICE = 0.5
"""Seconds of one wait for an answer: of a longer one it was stopped for the rest, as it was rendering too."""

STARVED = 10.0
"""How many times as long as it computes a render may take: a process with less than a tenth of its time is no use."""

NEW_AT_ONCE = 6
"""Templates that are tried for the first time at once: a usual one takes milliseconds, and an endless one SECONDS."""


class TemplateRecord(StrEnum):
    """What is known of a template: it was rendered well, or never yet, or it killed a process and nothing since."""

    PROVEN = "proven"
    NEW = "new"
    SUSPECT = "suspect"


class _Died(Exception):
    """The process ended, or had to be ended; the text says why."""


class _Child:
    """One process."""

    def __init__(self, folders: Sequence[Path]) -> None:
        root = Path(__file__).parent.parent.parent
        command = [sys.executable, "-m", "mail.rendering.child", *(str(one) for one in folders)]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _beside(root)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._out.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """One question and its answer; raise _Died where there is none in time.

        The time is what the process has computed, where the machine tells, and else that in which this one was awake:
        where the machine stands still, or is busy elsewhere, nobody is late. STARVED times as long is the end in any
        case.
        """
        waited, parts, before = 0.0, list[bytes](), self._computed()
        try:
            self._in.write(orjson.dumps(request) + b"\n")
            self._in.flush()
        except OSError:
            raise _Died("its process ended") from None
        while not (parts and parts[-1].endswith(b"\n")):
            used = waited if before is None else (self._computed() or 0.0) - before
            if used >= seconds or waited >= seconds * STARVED:
                raise _Died(f"it took longer than {seconds:.0f} seconds")
            begun = time.monotonic()
            came = self._selector.select(SLICE)
            waited += min(SLICE, time.monotonic() - begun)
            if not came:
                continue
            read = self._out.read()
            if read == b"":
                raise _Died(f"its process ended, perhaps for want of more than {MEMORY // 1024**2} MB of memory")
            parts.append(read or b"")
        return orjson.loads(b"".join(parts))

    def _computed(self) -> float | None:
        """Seconds of the processor's time that the process has had so far; None where the machine does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, see proc(5)

    def lives(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._selector.close()
        self._process.kill()
        self._in.close()
        self._out.close()
        self._process.wait()


def _beside(root: Path) -> str:
    """PYTHONPATH of a child: all that it is told of our environment besides PATH, since secrets stand there."""
    return os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])


class RenderPool:
    """Up to `size` processes for proven templates, and some more for others.

    Each is started when first wanted, and `size` are kept. Threads may share it; each waits for a place among its kind.
    """

    def __init__(self, folders: Sequence[Path] = (), size: int = 1) -> None:
        self._folders = folders
        self._size = size
        self._counts = {TemplateRecord.PROVEN: size, TemplateRecord.NEW: NEW_AT_ONCE, TemplateRecord.SUSPECT: 1}
        self._places = {standing: threading.Semaphore(count) for standing, count in self._counts.items()}
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._trials: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._proven: set[str] = set()
        self._deaths: dict[str, tuple[int, float]] = {}

    def render(
        self,
        key: str,
        context: Mapping[str, Any],
        subject: str | None = None,
        stored: TemplateTexts | None = None,
        locales: Sequence[str] = (),
    ) -> Rendered:
        """The mail of a template; see `Renders`.

        It takes SECONDS at most once a process is free, and more where the template is large; what takes longer, or
        dies, is a TemplateProblem.
        """
        name = name_of(stored) if stored is not None else key
        request = {
            "do": "render",
            "key": key,
            "context": dict(context),
            "subject": subject,
            "stored": _plain(stored),
            "locales": list(locales),
        }
        return Rendered(**self._ask(f"{name} {subject or ''}", request))

    def fill(self, text: str, context: Mapping[str, Any]) -> str:
        """A short text that is a template itself; see `Renders`."""
        return self._ask(text, {"do": "fill", "text": text, "context": dict(context), "stored": None})["text"]

    def check(self, stored: TemplateTexts) -> CheckedTemplate:
        """What a template is worth that is to be kept; see `Renderer.check`.

        Raise TemplateProblem where one of its texts has a wrong syntax, or names what there is not.
        """
        return CheckedTemplate(**self._ask(f"check {stored.key}", {"do": "check", "stored": _plain(stored)}))

    def close(self) -> None:
        """End the processes, once their renders have ended."""
        for standing, places in self._places.items():
            for _ in range(self._counts[standing]):
                places.acquire()
        for child in self._idle:
            child.end()

    def _ask(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        self._refuse_the_poisonous(name)
        with self._lock:
            trial = None if name in self._proven else self._trials[name]
        if trial is None:
            return self._answered(name, request, TemplateRecord.PROVEN)
        with trial:
            self._refuse_the_poisonous(name)
            return self._answered(name, request, self._standing(name))

    def _standing(self, name: str) -> TemplateRecord:
        with self._lock:
            if name in self._proven:
                return TemplateRecord.PROVEN
            return TemplateRecord.SUSPECT if name in self._deaths else TemplateRecord.NEW

    def _answered(self, name: str, request: dict[str, Any], standing: TemplateRecord) -> dict[str, Any]:
        with self._places[standing]:
            child = self._taken() or self._started()
            try:
                answer = child.ask(request, _seconds(request["stored"] or {}))
            except _Died as died:
                child.end()
                self._remember_death(name)
                raise TemplateProblem(str(died)) from None
            except BaseException:
                child.end()
                raise
            self._keep(child)
        if "problem" in answer:
            filter_name, value = answer.get("unread") or (None, "")
            raise TemplateProblem(answer["problem"], (filter_name, value) if filter_name is not None else None)
        with self._lock:
            self._proven.add(name)
            self._trials.pop(name, None)
        return answer

    def _taken(self) -> _Child | None:
        """One that is idle; one that somebody else ended meanwhile is no template's death."""
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.lives():
                    return child
                child.end()
        return None

    def _started(self) -> _Child:
        child = _Child(self._folders)
        try:
            child.ask({"do": "fill", "text": "", "context": {}}, START_SECONDS)
        except _Died as died:  # no template's fault
            child.end()
            raise TemplateProblem(f"no process to render it in: {died}") from None
        return child

    def _keep(self, child: _Child) -> None:
        """For the next render; one that there are enough of without it ends."""
        with self._lock:
            spare = len(self._idle) >= self._size
            if not spare:
                self._idle.append(child)
        if spare:
            child.end()

    def _remember_death(self, name: str) -> None:
        with self._lock:
            self._proven.discard(name)
            self._deaths[name] = (self._deaths.get(name, (0, 0.0))[0] + 1, time.monotonic())

    def _refuse_the_poisonous(self, name: str) -> None:
        with self._lock:
            deaths, last = self._deaths.get(name, (0, 0.0))
            if deaths >= TWICE and time.monotonic() - last < QUARANTINE:
                raise TemplateProblem("it took too long or too much memory before, and is refused for a minute")


def _seconds(stored: Mapping[str, Any]) -> float:
    """How long a template may take, by its size."""
    return SECONDS + SECONDS_PER_MILLION * (len(stored.get("html", "")) + len(stored.get("text", ""))) / 1_000_000


def _plain(stored: TemplateTexts | None) -> dict[str, Any] | None:
    """What the process makes a `Stored` of again."""
    return {name: getattr(stored, name) for name in PARTS} if stored is not None else None
