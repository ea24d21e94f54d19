"""Pictures: everything is on them, nothing lies on anything else, and they are well-formed in every theme."""

import random
import re
import time
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.checks import source
from journeys.language import handbook
from journeys.language.definition import Definition
from pictures import charts, day_columns
from pictures import map as maps
from pictures import plan as plan_picture
from pictures.charts import Mark, StageStay
from pictures.layout import arrange

ROOT = Path(__file__).parent.parent.parent
SVG = "{http://www.w3.org/2000/svg}"


def lifecycle() -> Definition:
    return source.read((ROOT / "examples" / "cdnow" / "lifecycle.yaml").read_text())[0]


def made_up(stages: int) -> Definition:
    """A journey of so many stages with ways forth and back, always the same."""
    chance = random.Random(stages)
    text = "journey: made-up\nenter: [{on: Start}]\nstart: s0\nstages:\n"
    for index in range(stages):
        ways = [f"{{on: Event {index}, to: s{index + 1}}}"] if index < stages - 1 else []
        ways += [
            f"{{after: {days} days, to: s{chance.randrange(stages)}}}" for days in range(1, chance.choice([1, 2, 3]))
        ]
        steps = ", ".join(["{send: a_rather_long_name_of_a_template}"] * chance.randint(0, 4))
        text += f"  s{index}: {{steps: [{steps}], transitions: [{', '.join(ways)}]}}\n"
    return source.read(text)[0]


def whole_language() -> Definition:
    steps = "".join(
        f"      {line}\n" for entry in handbook.STEPS.values() for line in entry.example.strip().splitlines()
    )
    return source.read(f"journey: all\nstart: first\nstages:\n  first:\n    steps:\n{steps}")[0]


def tangled(stages: int, ways: int) -> Definition:
    """From each stage so many ways to others, whichever."""
    chance = random.Random(stages * ways)
    keys = [f"s{index}" for index in range(stages)]
    return Definition.model_validate(
        {
            "journey": "tangled",
            "start": "s0",
            "stages": {
                key: {"transitions": [{"on": f"Event {one}", "to": one} for one in chance.sample(keys, ways)]}
                for key in keys
            },
        }
    )


JOURNEYS = [lifecycle(), made_up(3), made_up(8), made_up(15), whole_language(), tangled(30, 20)]


def texts(picture: str) -> str:
    return " | ".join(one.text or "" for one in ElementTree.fromstring(picture).iter(f"{SVG}text"))


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda one: f"{one.journey}-{len(one.stages)}")
def test_every_stage_is_on_the_map(journey: Definition, theme: str) -> None:
    shown = texts(maps.draw(journey, theme=theme))  # type: ignore[arg-type]
    for key in journey.stages:
        assert key.replace("_", " ") in shown


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda one: f"{one.journey}-{len(one.stages)}")
def test_no_box_lies_on_another_and_none_leaves_the_page(journey: Definition) -> None:
    page = ElementTree.fromstring(maps.draw(journey))
    wide, high = (float(page.attrib[name]) for name in ("width", "height"))
    boxes = [
        [float(one.attrib[name]) for name in ("x", "y", "width", "height")]
        for one in page.iter(f"{SVG}rect")
        if one.get("rx") == "9"
    ]
    assert len(boxes) == len(journey.stages)
    for x, y, w, h in boxes:
        assert x >= 0
        assert y >= 0
        assert x + w <= wide
        assert y + h <= high
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda one: f"{one.journey}-{len(one.stages)}")
def test_the_first_stage_is_on_top(journey: Definition) -> None:
    edges = [(key, one.to) for key, stage in journey.stages.items() for one in stage.transitions]
    layout = arrange(dict.fromkeys(journey.stages, (200.0, 60.0)), list(dict.fromkeys(edges)), {})
    assert layout.boxes[journey.start].y == min(box.y for box in layout.boxes.values())


@pytest.mark.parametrize(("stages", "ways"), [(30, 9), (30, 10), (30, 20), (100, 2), (100, 50), (200, 1)])
def test_a_map_is_drawn_in_a_moment_however_tangled(stages: int, ways: int) -> None:
    """Twenty-eight seconds, once, for thirty stages with twenty ways each."""
    journey = tangled(stages, ways)
    began = time.thread_time()
    picture = maps.draw(journey)
    assert time.thread_time() - began < 2
    told = f"{stages * ways:,} ways, drawn without their names"
    assert (told in texts(picture)) == (stages * ways > 300)


def test_what_was_laid_out_is_laid_out_once() -> None:
    sizes, edges = {"a": (1.0, 1.0), "b": (1.0, 1.0)}, [("a", "b")]
    assert arrange(sizes, edges, {}) is arrange(dict(sizes), list(edges), {})
    assert arrange(sizes, edges, {}) is not arrange(sizes, [("b", "a")], {})


keys = st.sampled_from("abcdefghij")


@settings(deadline=None)
@given(st.lists(st.tuples(keys, keys), unique=True, max_size=60))
def test_every_graph_can_be_laid_out(edges: list[tuple[str, str]]) -> None:
    layout = arrange(dict.fromkeys("abcdefghij", (200.0, 60.0)), edges, dict.fromkeys(edges, (80.0, 2)))
    assert set(layout.ways) == set(edges)
    assert all(len(way.points) >= 2 for way in layout.ways.values())


def test_a_map_shows_counts_flows_and_where_somebody_stands() -> None:
    picture = maps.draw(
        lifecycle(),
        counts={("lapsed", ""): 381, ("lapsed", "lapsed/send:win_back_offer"): 7},
        flows={("core", "lapsed"): 365},
        here=maps.Here(stage="lapsed", step="lapsed/send:win_back_offer"),
    )
    shown = texts(picture)
    assert "388" in shown
    assert "365" in shown
    assert "you are here" in shown


def test_what_is_written_cannot_break_the_picture() -> None:
    text = 'journey: j\nname: "<b>&amp; \\" \\u2028"\nenter: [{on: "<script>"}]\nstart: a\nstages: {a: {transitions: [{on: "]]>", to: a}]}}'
    picture = maps.draw(source.read(text)[0])
    assert "<script>" not in picture
    assert "]]>" in texts(picture)


def test_a_guard_is_told_as_a_person_says_it() -> None:
    guard = 'customer.events["Order Completed"].count >= 5 && customer.plan == "team"'
    assert maps.short_guard(guard) == 'Order Completed count ≥ 5 and plan = "team"'


def test_a_chart_adds_up_to_what_it_was_given() -> None:
    first = date(2026, 1, 1)
    days = {first + timedelta(days=number): {"welcome": number % 5, "thank_you": 2} for number in range(300)}
    picture = day_columns.draw(days, "Mails")
    told = [title.text or "" for title in ElementTree.fromstring(picture).iter(f"{SVG}title")]
    counted = sum(int(match[1].replace(",", "")) for text in told if (match := re.search(r": ([\d,]+) ", text)))
    assert counted == sum(sum(counts.values()) for counts in days.values())


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_every_chart_is_well_formed_also_with_nothing_to_show(theme: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    spans = [StageStay(stage="a", begins=begin, ends=begin + timedelta(days=3))]
    marks = [Mark(at=begin + timedelta(hours=hour), text="<mail>", kind="send") for hour in range(60)]
    drawn = [
        day_columns.draw({}, "Nothing", theme=theme),  # type: ignore[arg-type]
        charts.areas({begin.date(): {"a": 1}}, ["a"], "One day", theme),  # type: ignore[arg-type]
        charts.areas({begin.date() + timedelta(days=d): {"a": d, "b": 1} for d in range(9)}, ["a", "b"], "Nine", theme),  # type: ignore[arg-type]
        charts.compared([("mails", 3, 4), ("none", 0, 0)], ("this", "that"), "Two", theme),  # type: ignore[arg-type]
        charts.path(spans, marks, "Path", theme),  # type: ignore[arg-type]
    ]
    for picture in drawn:
        assert ElementTree.fromstring(picture).tag == f"{SVG}svg"


def change(kind: str, count: int, step: str | None = "trial/wait:3 days") -> dict[str, Any]:
    place = {"stage": "trial", "step": step}
    return {"kind": kind, "count": count, "from": place, "to": place}


def test_a_plan_shows_each_change_as_thick_as_it_has_customers_and_warns_of_dangerous_ones() -> None:
    changes = [change("stays", 10), change("mails_at_once", 1_000), change("rests", 3, None)]
    root = ElementTree.fromstring(plan_picture.draw(changes, "tour", ("version 1", "version 2"), "dark"))
    ways = [one for one in root.iter(f"{SVG}rect") if one.get("class") in ("way", "danger")]
    assert [one.get("class") for one in ways] == ["danger", "way", "way"]
    heights = [float(one.get("height", 0)) for one in ways]
    assert heights == sorted(heights, reverse=True)
    told = [text for one in root.iter(f"{SVG}text") if (text := one.text)]
    assert {"1,000 mails at once ⚠ →", "10 stays →", "3 rests →", "wait:3 days", "rests"} <= {*told}


def test_a_plan_with_nobody_and_one_with_too_many_changes_say_so() -> None:
    assert "nobody is under way" in plan_picture.draw([], "tour", ("a", "b"))
    many = [change("stays", count + 1) for count in range(plan_picture.MOST_ROWS + 5)]
    assert "and 5 smaller changes" in plan_picture.draw(many, "<tour>", ("a & b", "c"))
    ElementTree.fromstring(plan_picture.draw(many, "<tour>", ("a & b", "c")))
