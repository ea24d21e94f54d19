"""Attributes that a `set` step computes: `{cel: …}` in the place of a value, and nothing beside it."""

from collections.abc import Mapping
from typing import Any, cast

CEL = "cel"
"""The one key of an attribute that is computed."""


def parted(written: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The attributes that are given as they stand, and the expressions of those that are computed, by name."""
    computed = {name: text for name, value in written.items() if (text := _expression(value)) is not None}
    return {name: value for name, value in written.items() if name not in computed}, computed


def _expression(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return None
    found = cast(Mapping[str, Any], value)
    text = found.get(CEL) if len(found) == 1 else None
    return text if isinstance(text, str) else None
