"""What a fit of the value of customers takes: 23,570 of them, ten times the CDNOW sample with days moved at random."""

import csv
import random
import time
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

from value import report
from value.histories import DaysOfOrders

ORDERS = Path(__file__).parent.parent / "examples" / "cdnow" / "orders.csv"
UNTIL = date(1997, 9, 30)
TIMES = 10
WANTED = 10.0


def main() -> None:
    everybody = customers()
    began = time.perf_counter()
    made = report.make(everybody, UNTIL)
    took = time.perf_counter() - began
    print(
        f"{len(everybody):,} customers, {made.repeat_orders:,} repeat orders: both fits and their report "
        f"in {took:.1f} s (wanted {WANTED:.0f})"
    )


def customers() -> list[DaysOfOrders]:
    """The sample, and nine more of it whose orders lie up to a week elsewhere: no two histories need be alike."""
    days: defaultdict[str, list[tuple[date, float]]] = defaultdict(list)
    with ORDERS.open() as file:
        for row in csv.DictReader(file):
            days[row["customer"]].append((date.fromisoformat(row["ordered_on"]), float(row["total"])))
    choose, found = random.Random(0), list[DaysOfOrders]()
    for copy in range(TIMES):
        for orders in days.values():
            moved: defaultdict[date, float] = defaultdict(float)
            for day, total in orders:
                moved[day + timedelta(days=choose.randrange(-3, 4) if copy else 0)] += total
            found.append(dict(moved))
    return found
