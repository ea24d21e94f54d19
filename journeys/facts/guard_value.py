"""What guards read of a customer that is no attribute: which names there are, and what changes them."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from journeys.facts import touches
from journeys.facts.guard_reads import Read
from value.customer_value import NAMES
from value.orders import ORDER_EVENTS

WORKED_OUT = frozenset({"events", "segments", "value", "bought", "source"})
"""What stands below `customer` and is no attribute: it is worked out from what they did."""


CHANGED_BY = {"value": ORDER_EVENTS, "bought": ORDER_EVENTS, "source": ("*",)}
"""The events that change what stands below these."""


KNOWN: Mapping[tuple[str, ...], Collection[str]] = {
    ("customer", "value"): tuple(NAMES),
    ("customer", "source"): ("first", "last"),
    ("customer", "source", "first"): touches.NAMES,
    ("customer", "source", "last"): touches.NAMES,
}
"""All that stands below a path, where that is told."""


def changes_by_time(path: tuple[str, ...]) -> bool:
    """Whether time alone changes what a path leads to: what is expected of a customer, and their fifths."""
    if path[:2] != ("customer", "value"):
        return False
    return len(path) == 2 or (path[2] in NAMES and NAMES[path[2]].by_time)


def unknown(found: Sequence[Read]) -> tuple[str, str] | None:
    """What is read below a path of KNOWN and is none of its names: a code and a sentence with the nearest; or None."""
    for path in (read.path for read in found):
        for below, names in KNOWN.items():
            place = len(below)
            if path[:place] == below and len(path) > place and path[place] not in names:
                close, whole = get_close_matches(path[place], names, n=1), ".".join(below)
                hint = f"did you mean {whole}.{close[0]}?" if close else f"it has {', '.join(names)}"
                return "unknown_value", f"the guard reads {whole}.{path[place]}, which there is not; {hint}"
    return None
