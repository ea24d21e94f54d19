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
    if plan["changes"]:
        table = wrapping_table("What", "From", "To", "Customers", figures=("Customers",))
        for what, was, to, count in _rows(plan):
            table.add_row(Text(what), Text(was), Text(to), count)
        console.print(table)
    for warning in plan["warnings"]:
        console.print(Text(f"! {warning}", style="yellow"))
    if plan["due_within_an_hour"]:
        console.print(f"{plan['due_within_an_hour']:,} act within an hour by this change, spread over it.")
    for line in _month(plan):
        console.print(Text(line))


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
    if not plans:
        return "No published journey changes."
    return "\n\n".join("\n".join(_section(plan)) for plan in plans)


def _section(plan: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{plan['journey']}`: {plan['live']:,} customers under way"
    yield ""
    yield "| what | from | to | customers |"
    yield "| --- | --- | --- | ---: |"
    for what, was, to, count in _rows(plan):
        yield f"| {what} | `{was}` | `{to}` | {count} |"
    for warning in plan["warnings"]:
        yield f"\n⚠️ {warning}"
    for line in _month(plan):
        yield f"\n{line}"


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
