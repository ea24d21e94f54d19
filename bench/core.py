"""The core alone: inputs a second, over the CDNOW customers."""

import csv
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

from journeys.checks import source
from journeys.machine.state import State
from journeys.program.compiler import compile_journey
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

CDNOW = Path(__file__).parent.parent / "examples" / "cdnow"


def main() -> None:
    program = compile_journey(source.read((CDNOW / "lifecycle.yaml").read_text())[0])
    orders: dict[str, list[RecordedEvent]] = defaultdict(list)
    with (CDNOW / "orders.csv").open() as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["ordered_on"]).replace(tzinfo=UTC)
            seen = orders[row["customer"]]
            seen.append(RecordedEvent(seq=len(seen) + 1, name="Order Completed", at=at))
    until, stages, inputs = datetime(1998, 6, 30, tzinfo=UTC), Counter[str](), 0
    began = time.perf_counter()
    for customer, history in orders.items():
        state = State(customer=customer, enrollment=customer, cursor=1)
        trace = simulate(program, state, PastFacts(history, {}), history[0].at, until)
        stages[trace.state.stage] += 1
        answers = trace.state.number - len(trace.decisions)
        inputs += 2 + len(history) - 1 + answers
    seconds = time.perf_counter() - began
    print(f"{len(orders):,} customers, {sum(map(len, orders.values())):,} orders, {inputs:,} inputs in {seconds:.2f} s")
    print(
        f"{inputs / seconds:,.0f} inputs a second (wanted 30,000), answers to guards among them; stages {dict(stages)}"
    )
