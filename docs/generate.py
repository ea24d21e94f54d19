"""The parts of the documentation that come from code: `make docs` writes them, `make check` sees that they are fresh.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from api.problems import KINDS, PREFIX
from docs import models, rooms, status_diagrams
from journeys.checks import source
from journeys.language import definition
from journeys.language.handbook import JOURNEY, STAGE, STEPS, TRANSITIONS, TRIGGERS, Entry
from journeys.language.handbook import json_schema as described_schema
from journeys.language.verbs import VERBS
from journeys.machine.commands import DECISIONS
from journeys.rules.entry_rules import REFUSALS
from journeys.rules.policy import REASONS
from pictures import cohorts as cohort_picture
from pictures import funnel as funnel_picture
from pictures import map as maps
from pictures import plan as plan_picture
from services.reconciliation.differences import MEANINGS
from services.reports.measures.shown_rates import rate
from services.statistics.proportions import Proportion
from waypost.project import new_project
from waypost.settings import Settings

ROOT = Path(__file__).parent.parent
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(title: str, rows: dict[str, str]) -> str:
    body = "\n".join(f"| `{name}` | {text} |" for name, text in rows.items())
    return f"| {title} | meaning |\n| --- | --- |\n{body}\n"


def settings() -> str:
    """Every setting, with who reads it: a service of docker-compose.yml, `waypost up`, or the command line."""
    facts, rows = Settings.facts(), list[str]()
    for name, field in Settings.model_fields.items():
        default = f" (default `{field.default}`)" if field.default not in (None, (), {}) else ""
        secret = ". A secret" if facts[name].secret else ""
        readers = ", ".join(f"`{one}`" for one in facts[name].readers)
        rows.append(f"| `{Settings.variable(name)}` | {field.description}{default}{secret} | {readers} |\n")
    return "| variable | meaning | read by |\n| --- | --- | --- |\n" + "".join(rows)


def problems() -> str:
    rows = "\n".join(
        f"| `{PREFIX}{code}` | {kind.status} | {kind.title} | {kind.meaning} |" for code, kind in KINDS.items()
    )
    return f"| type | status | title | meaning |\n| --- | --- | --- | --- |\n{rows}\n"


def calls() -> str:
    """Every call of the API, by its tag."""
    document, told = models.openapi(), list[str]()
    for tag in document["tags"]:
        rows = [
            f"| `{method.upper()} {path}` | {operation['summary']} |"
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation.get("tags", ())
        ]
        told.append(
            f"### {tag['name'].capitalize()}\n\n{tag['description']}\n\n| call | |\n| --- | --- |\n" + "\n".join(rows)
        )
    return "\n\n".join(told) + "\n"


def differences() -> str:
    """What a reconciliation finds, and what its repair does."""
    rows = "".join(
        f"| `{kind}` | {one.told} | {one.repair or 'none: a person has to look'} |\n" for kind, one in MEANINGS.items()
    )
    return f"| difference | what it is | its repair |\n| --- | --- | --- |\n{rows}"


def plan_of_a_change() -> str:
    """The plan that docs/change-a-journey.md tells of."""
    told = (
        ("retimed", ("onboarding", "onboarding/wait:3 days"), ("onboarding", "onboarding/wait:5 days"), 412),
        ("stays", ("onboarding", None), ("onboarding", None), 301),
        ("moves", ("onboarding", "onboarding/wait:2 days"), ("onboarding", "onboarding/send:offer"), 88),
        ("stranded", ("trial", "trial/wait:1 day"), ("trial", "trial/wait:1 day"), 9),
    )
    changes = [
        {
            "kind": kind, "count": count,
            "from": {"stage": was[0], "step": was[1]}, "to": {"stage": to[0], "step": to[1]},
        }
        for kind, was, to, count in told
    ]  # fmt: skip
    return plan_picture.draw(changes, "onboarding: 810 customers under way", ("version 3, live", "version 4, planned"))


def funnel_of_an_example() -> str:
    """The funnel that docs/reports.md tells of."""
    told = (
        ("event:Signed Up", 12_040, 12_040, 7_930, 412), ("stage:onboarding", 4_110, 12_040, 2_870, 88),
        ("event:Order Completed", 1_240, 12_040, 0, 0),
    )  # fmt: skip
    steps = [
        {
            "step": step, "customers": count, "of_all": rate(Proportion(count=count, n=n)), "rest": rest, "open": still,
        }
        for step, count, n, rest, still in told
    ]  # fmt: skip
    said = "Of 12,040 who signed up, 1,240 ordered within 14 days."
    return funnel_picture.draw(steps, "Signed Up to Order Completed, within 14 days", said) + "\n"


def cohorts_of_cdnow() -> str:
    """Who of the customers of CDNOW came back: the cohorts of the first quarter, counted from the orders themselves."""
    orders: dict[str, list[date]] = {}
    with (ROOT / "examples" / "cdnow" / "orders.csv").open() as file:
        for row in csv.DictReader(file):
            orders.setdefault(row["customer"], []).append(date.fromisoformat(row["ordered_on"]))
    rows = [
        _cohort(month, [sorted(days) for days in orders.values() if min(days).month == month]) for month in (1, 2, 3)
    ]
    said = "2,357 ordered for the first time in the first quarter of 1997."
    return cohort_picture.draw(rows, "month", "Who comes back by Order Completed", said) + "\n"


def _cohort(month: int, those: Sequence[Sequence[date]]) -> Mapping[str, object]:
    came = Counter(
        after
        for days in those
        for after in {(day.year - 1997) * 12 + day.month - month for day in days if day > days[0]}
    )
    shares = [rate(Proportion(count=came[after], n=len(those))) for after in range(13 - month + 6)]
    periods = [{"number": number, "running": False, **share} for number, share in enumerate(shares)]
    return {"from": f"1997-{month:02}-01", "customers": len(those), "periods": periods}


def handbook(entries: Mapping[str, Entry], meanings: Mapping[str, str], place: str) -> str:
    """Each word with its meaning, an example, and its fields."""
    told: list[str] = []
    for word, entry in entries.items():
        told.append(f"### `{word}`\n\n{meanings[word][0].upper()}{meanings[word][1:]}.\n")
        told.append(f"```yaml\n# in {place}\n{entry.example.strip()}\n```\n")
        if entry.fields:
            told.append(table("field", dict(entry.fields)))
        if entry.note:
            told.append(entry.note + "\n")
    return "\n".join(told)


PARTS: dict[str, Callable[[], str]] = {
    "walls": rooms.walls,
    "decisions": lambda: table("decision", dict(DECISIONS)),
    "reasons": lambda: table("reason", dict(REASONS)),
    "refusals": lambda: table("refusal", dict(REFUSALS)),
    "settings": settings,
    "differences": differences,
    "problems": problems,
    "calls": calls,
    "journey": lambda: table("field", dict(JOURNEY)),
    "stage": lambda: table("field", dict(STAGE)),
    "phases": lambda: table("phase", dict(definition.PHASES)),
    "triggers": lambda: handbook(TRIGGERS, definition.TRIGGERS, "enter"),
    "transitions": lambda: handbook(TRANSITIONS, definition.TRANSITIONS, "transitions"),
    "steps": lambda: handbook(STEPS, VERBS, "steps"),
    "verbs": lambda: ", ".join(f"`{verb}`" for verb in VERBS) + "\n",
}


def fresh(text: str) -> str:
    return PART.sub(lambda match: match[1] + PARTS[match[2]]() + match[3], text)


def lifecycle_map() -> str:
    text = (ROOT / "examples" / "cdnow" / "lifecycle.yaml").read_text()
    return maps.draw(source.read(text)[0]) + "\n"


def example_map(name: str) -> str:
    text = (ROOT / "examples" / name / "journeys" / f"{name}.yaml").read_text()
    return maps.draw(source.read(text)[0]) + "\n"


FILES: dict[str, Callable[[], str]] = {
    "docs/journey.schema.json": lambda: json.dumps(described_schema(), indent=2) + "\n",
    "docs/rooms.md": rooms.page,
    "docs/statuses.md": status_diagrams.page,
    "docs/pictures/lifecycle.svg": lifecycle_map,
    "docs/pictures/plan.svg": plan_of_a_change,
    "docs/pictures/funnel.svg": funnel_of_an_example,
    "docs/pictures/cohorts.svg": cohorts_of_cdnow,
    "waypost/client/models.py": models.models,
    **{f"docs/pictures/journeys/{name}.svg": partial(example_map, name) for name in new_project.examples()},
}
"""Whole files that come from code."""


def stale_files(write: bool) -> list[str]:
    found: list[str] = []
    for name, make in FILES.items():
        path, wanted = ROOT / name, make()
        if not path.exists() or path.read_text() != wanted:
            found.append(name)
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted)
    return found


def main() -> int:
    stale = stale_files(write="--check" not in sys.argv)
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        text = path.read_text()
        if fresh(text) != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(fresh(text))
    if stale and "--check" in sys.argv:
        print(f"stale: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
