"""What has stopped happening, as it was found at the last look, a sentence each with what to do."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session

from store.queries.access import setting_rows


def silences(session: Session) -> dict[str, Any]:
    """When it was last looked for, and what was found: nothing where all goes on as usual."""
    kept = setting_rows.silences(session)
    found: list[Mapping[str, Any]] = kept.get("found", [])
    return {
        "looked_at": kept.get("looked_at"),
        "silences": [{**one, "told": _TOLD[one["kind"]](one)} for one in found],
        "told": _sentence(kept.get("looked_at"), len(found)),
    }


def _sentence(looked_at: str | None, count: int) -> str:
    if looked_at is None:
        return "It was not looked yet whether something has stopped; it is once an hour."
    at = f"{looked_at[:10]} {looked_at[11:16]} UTC"
    if not count:
        return f"All went on as usual at {at}."
    return f"{count:,} thing{'s' * (count > 1)} to look at, as of {at}."


def counted(session: Session) -> dict[tuple[str, str], int]:
    """How many of each kind there are in each journey."""
    found: dict[tuple[str, str], int] = {}
    for one in setting_rows.silences(session).get("found", []):
        place = (one["kind"], one["journey"])
        found[place] = found.get(place, 0) + 1
    return found


def _event(one: Mapping[str, Any]) -> str:
    return (
        f"{one['name']!r}, which lets customers into {one['journey']}, has not come since {one['since'][:16]}; its "
        f"usual gap is {_gap(one)}: look at what sends it"
    )


def _sends(one: Mapping[str, Any]) -> str:
    return (
        f"{one['journey']} has sent nothing since {one['since'][:10]}; its usual gap is {_gap(one)}: `waypost report "
        f"{one['journey']}` says who is in it"
    )


def _name(one: Mapping[str, Any]) -> str:
    return (
        f"the event {one['name']!r} came for the first time on {one['since'][:10]}; {one['journey']} waits for "
        f"{one['resembles']!r}: one of them may be misspelt"
    )


def _gap(one: Mapping[str, Any]) -> str:
    hours = one["usual_hours"]
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"event": _event, "sends": _sends, "name": _name}
"""The sentence of each kind."""
