"""What a `set` step gives a customer: its values as they stand, and those that it computes; the same in every shell.

An expression that fails gives nothing: the attribute stays as it was, and the decision says why.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from journeys.facts import customer_facts, guards
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.facts.guard_cost import Purse
from journeys.machine.commands import Decide


@dataclass(frozen=True, slots=True, kw_only=True)
class SetValues:
    """The attributes that a step gives; of each that was computed what it saw, or why it gives nothing (`failed`)."""

    attributes: Mapping[str, Any]
    seen: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failed: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_json(self) -> dict[str, Any]:
        """What the decision says beside the expressions."""
        told = {"seen": dict(self.seen), "failed": dict(self.failed)}
        return {"attributes": dict(self.attributes), **{name: one for name, one in told.items() if one}}


def values(record: Decide, known: CustomerFacts, enrollment: EnrollmentFacts) -> SetValues:
    """What the decision `attributes_set` comes to, for a customer of whom this is known just before it."""
    given, computed = dict(record.detail["attributes"]), record.detail.get("computed", {})
    if not computed:
        return SetValues(attributes=given)
    context = customer_facts.context(known, None, enrollment.variable(record.stage), record.at)
    seen, failed, purse = dict[str, Any](), dict[str, str](), Purse()
    for name, text in computed.items():
        result = guards.compute(text, context, purse)
        value, error = (None, result.error) if result.error is not None else _kept(result.value)
        seen |= result.seen
        if error is None:
            given[name] = value
        else:
            failed[name] = error
    return SetValues(attributes=given, seen=seen, failed=failed)


def _kept(value: Any) -> tuple[Any, str | None]:
    """A value as an attribute keeps it, and why it cannot be kept."""
    match value:
        case None | bool() | str():
            return value, None
        case int():
            return (value, None) if abs(value) < 2**63 else (None, "gave a number out of range")
        case float():
            return (value, None) if math.isfinite(value) else (None, "gave a number that is not finite")
        case datetime():
            return value.isoformat(), None
        case timedelta():
            return None, "gave a duration, which is no attribute; give a number of seconds"
        case list():
            return _all_kept([_kept(one) for one in cast(list[Any], value)])
        case dict():
            inner = cast(dict[str, Any], value)
            found, error = _all_kept([_kept(one) for one in inner.values()])
            return (None, error) if error else (dict(zip(inner, found, strict=True)), None)
        case _:
            return None, f"gave {type(value).__name__}, which is no attribute"


def _all_kept(found: list[tuple[Any, str | None]]) -> tuple[Any, str | None]:
    error = next((error for _, error in found if error is not None), None)
    return (None, error) if error else ([value for value, _ in found], None)
