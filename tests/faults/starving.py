"""A process that gets 6% of its time: stopped and continued again and again."""

import signal
import time

import psutil

SHARE = 0.06


def starve(process: psutil.Process, seconds: float, period: float) -> None:
    """Let a process and its children run for a share of each period alone."""
    tree = [process, *process.children(recursive=True)]
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends:
            _signal(tree, signal.SIGSTOP)
            time.sleep(period * (1 - SHARE))
            _signal(tree, signal.SIGCONT)
            time.sleep(period * SHARE)
    finally:
        _signal(tree, signal.SIGCONT)


def _signal(tree: list[psutil.Process], number: int) -> None:
    for one in tree:
        try:
            one.send_signal(number)
        except psutil.NoSuchProcess:
            continue
