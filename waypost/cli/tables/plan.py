"""The plan of a publish: in a terminal, and as Markdown for a pull request."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import wrapping_table

KEPT = "keeps"
"""What is shown where somebody stays at their step."""


def print_plan(console: Console, plan: Mapping[str, Any]) -> None:
    """What becomes of whom, each change with its count; the warnings; and how the next month differs."""
    console.print(f"{plan['journey']}: version {plan['from']} → {plan['to']}, {plan['live']:,} customers under way")
    print_changes(console, plan)
    for line in _month(plan):
        console.print(Text(line))


def print_changes(console: Console, plan: Mapping[str, Any]) -> None:
    """What becomes of whom, and the warnings: as a plan tells it, or the answer to one from which they have drifted."""
    if plan["changes"]:
        table = wrapping_table("What", "From", "To", "Customers", figures=("Customers",))
        for what, was, to, count in _rows(plan):
            table.add_row(Text(what), Text(was), Text(to), count)
        console.print(table)
    for warning in plan["warnings"]:
        console.print(Text(f"! {warning}", style="yellow"))
    if plan["due_within_an_hour"]:
        console.print(f"{plan['due_within_an_hour']:,} act within an hour by this change, spread over it.")


def print_resume_plan(console: Console, plan: Mapping[str, Any]) -> None:
    """What a resume sends: a line for each step and what becomes of its mails."""
    state = "is paused" if plan["paused"] else "is not paused"
    console.print(f"{plan['journey']} {state}: {plan['customers']:,} customers, {plan['overdue']:,} of them overdue")
    if plan["mails"]:
        table = wrapping_table("What", "Step", "Template", "Why", "Mails", figures=("Mails",))
        for one in plan["mails"]:
            why = one["reason"] or ""
            table.add_row(
                Text(one["outcome"]), Text(one["step"]), Text(one["template"]), Text(why), f"{one['count']:,}"
            )
        console.print(table)
    totals = plan["totals"]
    told = f"{totals['send']:,} mails go at once, {totals['later']:,} later, {totals['skip']:,} never"
    console.print(f"{told}; {plan['leave']:,} customers go on to another stage, or end.")
    if not plan["complete"]:
        console.print(Text("! there are more customers than were looked at", style="yellow"))


def markdown(plans: Sequence[Mapping[str, Any]]) -> str:
    """The plans of a project's journeys, for a pull request."""
    told = ["\n".join(_STATES[one["state"]](one)) for one in plans if one["state"] != "same"]
    return "\n\n".join(["## What this does to customers who are under way", *(told or ["No journey changes."])])


def _new(plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{plan['journey']}`: new, so nobody is under way"


def _failed(plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{plan['journey']}`: could not be planned"
    yield f"\n⚠️ {plan['error']}"


def _section(plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{plan['journey']}`: {plan['live']:,} customers under way"
    yield ""
    yield "| what | from | to | customers |"
    yield "| --- | --- | --- | ---: |"
    for what, was, to, count in _rows(plan):
        yield f"| {what} | {_code(was)} | {_code(to)} | {count} |"
    for warning in plan["warnings"]:
        yield f"\n⚠️ {_escaped(warning)}"
    for line in _month(plan):
        yield f"\n{line}"


_STATES = {"planned": _section, "new": _new, "failed": _failed}
"""How a journey is told, by what is known of it."""


def _code(text: str) -> str:
    """A name in a cell of a table, whatever stands in it."""
    return f"`{text.replace('`', '')}`".replace("|", "\\|")


def _escaped(text: str) -> str:
    """A sentence whose names are no markup."""
    return text.replace("<", "&lt;")


def _rows(plan: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for one in plan["changes"]:
        was, to = _place(one["from"]), _place(one["to"])
        yield one["kind"], was, KEPT if was == to else to, f"{one['count']:,}"


def _place(place: Mapping[str, Any]) -> str:
    return place.get("step") or f"{place['stage']} (rests)"


def _month(plan: Mapping[str, Any]) -> Iterator[str]:
    """The mails and stages that another count is foreseen of."""
    month = plan["impact"]
    for name, what in (("mails", "mails"), ("stages", "customers in stage")):
        for key, one in month[name].items():
            if one["before"] != one["after"]:
                within = f" ± {one['within']:,}" if one["within"] else ""
                yield f"In {month['days']} days: {what} {key} {one['before']:,} → {one['after']:,}{within}"
