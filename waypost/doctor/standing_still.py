"""What the books say stands still, a sentence each with what to do: `waypost doctor` and `reconcile` tell the same."""

from collections.abc import Mapping
from typing import Any


def standing_still(books: Mapping[str, Any]) -> list[str]:
    """A sentence for each thing in the answer of GET /v1/reports/reconciliation that waits for a person."""
    found: list[str] = []
    if books["overdue"]:
        found.append(
            f"{books['overdue']} enrollments should have acted more than ten minutes ago; is a worker running?"
        )
    if books["stuck"]:
        found.append(
            f"{books['stuck']} enrollments end in an error each time: GET /v1/enrollments?stuck=true lists them, "
            "`waypost status ID` tells the error; `waypost enrollment retry ID` or `exit ID` ends it"
        )
    found += [
        f"the stored text of the journey {key} cannot be read by this build, so it lets nobody in: publish it anew, "
        f"from its file or by `waypost rollback {key} --to N` (`waypost versions {key}` lists them)"
        for key in books["unreadable_journeys"]
    ]
    found += [
        f"the stored guard of the segment {key} cannot be read by this build, so nobody joins or leaves it: write it "
        f"anew (PUT /v1/segments/{key})"
        for key in books["unreadable_segments"]
    ]
    found += [
        f"{count} calls of {step} are stuck: `waypost hooks list --status stuck` says why; "
        "`waypost hooks retry ID` or `cancel ID` ends it"
        for step, count in books["stuck_hooks"].items()
    ]
    found += [
        f"{count} rows that {kind} a workflow are stuck: GET /v1/dispatches?status=stuck says why; "
        "POST /v1/dispatches/ID/retry or cancel ends it"
        for kind, count in books["stuck_dispatches"].items()
    ]
    found += [f"{told}: `waypost reconcile --repair` says what is to be done" for told in differences(books)]
    return found


def differences(books: Mapping[str, Any]) -> list[str]:
    """What the last check of everything has left open: how many of what, where, with an example."""
    last = books["last_check"] or {"differences": ()}
    return [
        f"{one['count'] - one['repaired']:,} × {one['told']} ({one['place']}, such as {one['examples'][0]})"
        for one in last["differences"]
        if one["count"] > one["repaired"]
    ]
