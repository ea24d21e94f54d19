"""`make demo`: 2,357 real customers, each carried by a durable workflow, each in the stage of their history.

It starts the stack if none runs, imports the purchase histories moved to end today, prints the customers per stage,
sends one live order for a lapsed customer and shows what became of it. Run again, it changes nothing.
"""

import csv
import hashlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from store import migrate
from store.tables.access import ImportedFile
from waypost.cli.tables import customer_status
from waypost.client import Waypost
from waypost.client.installation import client as connect
from waypost.errors import ApiProblem, Unreachable
from waypost.settings import Settings
from waypost.wiring import Parts

HERE = Path(__file__).parent
ORDERS = HERE / "orders.csv"
JOURNEY = "lifecycle"
LAPSED_AFTER, INACTIVE_AFTER, CORE_FROM = 90, 270, 5
PATIENCE = 90.0

console = Console()


def main() -> int:
    """The whole demo; return the exit status. It asks a stack that runs, or runs one meanwhile."""
    settings = Settings()
    with running_stack(settings):
        client = connect(settings)
        console.print("[bold]1. The journey[/]")
        publish(client)
        console.print("\n[bold]2. The histories[/] of 2,357 customers, moved in time to end today")
        shift = import_orders(settings)
        show_stages(client)
        console.print("\n[bold]3. A live order[/]")
        order(client, shift)
        show_stages(client)
    return 0


@contextmanager
def running_stack(settings: Settings) -> Iterator[None]:
    """Use the stack that runs, or run one for as long as the demo takes."""
    if ready(settings):
        yield
        return
    console.print("No stack is running; starting one (`make up` keeps one running).")
    command = [sys.executable, "-m", "waypost.cli", "up"]
    stack = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(600):
            if stack.poll() is not None or ready(settings):
                break
            time.sleep(0.1)
        if stack.poll() is not None:
            told = stack.stdout.read().strip() if stack.stdout else ""
            raise SystemExit(f"The stack did not start:\n{told}")
        yield
    finally:
        stack.terminate()
        stack.wait(60)


def ready(settings: Settings) -> bool:
    """Whether a stack runs at the address of the settings, with all its parts."""
    try:
        connect(settings).call("GET", "/readyz")
    except (Unreachable, ApiProblem):
        return False
    return True


def publish(client: Waypost) -> None:
    """Make the journey live; a second time changes nothing."""
    client.call("PUT", f"/v1/journeys/{JOURNEY}", content=(HERE / "lifecycle.yaml").read_bytes())
    version = client.call("POST", f"/v1/journeys/{JOURNEY}/publish")
    console.print(f"   {JOURNEY} version {version['number']} is live")


def import_orders(settings: Settings) -> int:
    """Write the events file, import it, and return by how many days the data was moved."""
    shift = remembered_shift(settings)
    events = settings.home / "demo" / "events.ndjson"
    events.parent.mkdir(parents=True, exist_ok=True)
    with events.open("w") as file:
        for line in segment_events(shift):
            file.write(json.dumps(line) + "\n")
    command = [sys.executable, "-m", "waypost.cli", "import", str(events), "--journey", JOURNEY]
    subprocess.run(command, check=True)
    return shift


def remembered_shift(settings: Settings) -> int:
    """Decided on the first run and stored with the digest of the file, so that a second run repeats the same events."""
    digest = hashlib.sha256(ORDERS.read_bytes()).hexdigest()
    parts = Parts(settings)
    try:
        migrate.upgrade(parts.database.engine)
        with parts.database.writing() as session:
            known = session.get(ImportedFile, digest)
            if known is None:
                last = max(day for _, day, _, _ in orders())
                now = parts.clock()
                known = ImportedFile(digest=digest, journey=JOURNEY, as_of=now, shift_days=(now.date() - last).days)
                session.add(known)
            return known.shift_days
    finally:
        parts.close()


def orders() -> list[tuple[str, date, int, float]]:
    """Customer, day, quantity and total of each order, in the order of the file."""
    with ORDERS.open() as file:
        return [
            (row["customer"], date.fromisoformat(row["ordered_on"]), int(row["quantity"]), float(row["total"]))
            for row in csv.DictReader(file)
        ]


def segment_events(shift: int) -> Iterator[dict[str, Any]]:
    """The orders as Segment's track calls, and made-up addresses as identify calls."""
    seen: set[str] = set()
    for number, (customer, day, quantity, total) in enumerate(orders(), start=1):
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=shift)
        if customer not in seen:
            seen.add(customer)
            yield {
                "type": "identify",
                "userId": customer,
                "messageId": f"cdnow-customer-{customer}",
                "timestamp": at.isoformat(),
                "traits": {"email": f"customer-{customer}@cdnow.example", "first_name": f"Customer {customer}"},
            }
        yield {
            "type": "track",
            "userId": customer,
            "event": "Order Completed",
            "messageId": f"cdnow-order-{number}",
            "timestamp": at.isoformat(),
            "properties": {"quantity": quantity, "total": total, "currency": "USD"},
        }


def show_stages(client: Waypost) -> None:
    """How many customers stand in each stage, from the API."""
    stages = client.call("GET", "/v1/reports/lifecycle")["stages"]
    table = Table("Stage", "Customers", box=None, pad_edge=False)
    for stage, count in sorted(stages.items(), key=lambda item: item[1]):
        table.add_row(f"   {stage}", f"{count:,}")
    table.add_row("   [bold]all[/]", f"[bold]{sum(stages.values()):,}[/]")
    console.print(table)


def a_lapsed_customer() -> str:
    """The first of the file who is lapsed on its last day and whose next order does not yet make them core."""
    days: dict[str, list[date]] = defaultdict(list)
    for customer, day, _, _ in orders():
        days[customer].append(day)
    last = max(day for seen in days.values() for day in seen)
    for customer, seen in days.items():
        quiet = (last - max(seen)).days
        if LAPSED_AFTER <= quiet < INACTIVE_AFTER and len(seen) < CORE_FROM - 1:
            return customer
    raise AssertionError("the data holds lapsed customers")


def order(client: Waypost, shift: int) -> None:
    """Send the order of a lapsed customer, and see them move."""
    customer = a_lapsed_customer()
    event = {
        "userId": customer,
        "event": "Order Completed",
        "messageId": f"cdnow-live-order-{shift}",
        "properties": {"quantity": 1, "total": 24.99, "currency": "USD"},
    }
    began = time.monotonic()
    answer = client.call("POST", "/v1/track", json=event)
    if answer["repeated"]:
        console.print(f"   The order of customer {customer} was sent in an earlier run; nothing changes.")
    else:
        stage, mail = await_mail(client, customer)
        seconds = time.monotonic() - began
        console.print(f"   Customer {customer} ordered; {seconds:.1f} s later: stage {stage}, mail {mail!r} accepted.")
    shown = client.call("GET", f"/v1/customers/{customer}")
    story = client.call("GET", f"/v1/customers/{customer}/timeline", params={"limit": 30})["items"]
    console.print(f"\n   [dim]waypost status {customer}[/]")
    customer_status.print_status(console, shown, story)


def await_mail(client: Waypost, customer: str) -> tuple[str, str]:
    """Wait until the customer is out of `lapsed` and the mail of the new stage was accepted."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        shown = client.call("GET", f"/v1/customers/{customer}")
        messages = client.call("GET", f"/v1/customers/{customer}/messages", params={"limit": 1})["items"]
        if shown["lifecycle_stage"] != "lapsed" and messages and messages[0]["status"] == "accepted":
            return shown["lifecycle_stage"], messages[0]["template"]
        time.sleep(0.05)
    raise SystemExit(f"Customer {customer} got no mail within {PATIENCE:.0f} s; `waypost doctor` tells why.")


if __name__ == "__main__":
    sys.exit(main())
