"""Checking and drawing: a journey of 200 steps validated, and its map drawn; the core's inputs a second."""

import time
from collections.abc import Callable
from statistics import median

from journeys.checks import source
from pictures import map as maps

TIMES = 15


def main() -> None:
    text = journey(stages=10, steps=20)
    source.read(text)
    print(
        f"200 steps, YAML of {len(text):,} bytes: "
        f"validated in {_milliseconds(lambda: source.read(text)):.1f} ms (wanted 50)"
    )
    definition, _ = source.read(text)
    as_json = definition.canonical()
    print(f"the same as JSON: {_milliseconds(lambda: source.read(as_json)):.1f} ms")
    print(f"its map: {_milliseconds(lambda: maps.draw(definition)):.1f} ms (wanted 200)")


def _milliseconds(do: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(TIMES):
        began = time.perf_counter()
        do()
        times.append(1_000 * (time.perf_counter() - began))
    return median(times)


def journey(stages: int, steps: int) -> str:
    """A journey of so many stages with so many steps each."""
    text = "journey: long\nenter: [{on: Start}]\ndefaults: {topic: news}\nstart: s0\nstages:\n"
    for stage in range(stages):
        text += f"  s{stage}:\n    steps:\n"
        for step in range(steps // 4):
            text += f"      - send: {{template: mail_{step}, subject: 'Hello {step}'}}\n      - wait: {step + 1} days\n"
            text += (
                f"      - branch:\n          - {{if: customer.plan == 'p{step}', then: [{{set: {{level: {step}}}}}]}}\n"
            )
        text += f"    transitions:\n      - {{on: Event {stage}, to: s{(stage + 1) % stages}}}\n"
        text += f"      - {{inactive: 90 days, of: Order Completed, to: s{(stage + 3) % stages}}}\n"
    return text
