"""Pictures of reports: everything is on them, in any width and theme, and what is written cannot break them."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from pictures import axes, intervals, movements, rfm_grid, series
from pictures import cohorts as triangle
from pictures import funnel as bars

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2026, 1, 1)
NASTY = '<b>&"x'


def share(count: int, n: int) -> dict[str, Any]:
    return {"count": count, "n": n, "rate": count / n, "low": 0.0, "high": 1.0}


def step(name: str, count: int, rest: int) -> dict[str, Any]:
    return {"step": f"event:{name}", "customers": count, "of_all": share(count, 40), "rest": rest, "open": rest // 2}


def variant(name: str, converted: int, customers: int) -> dict[str, Any]:
    low, high, rate = (0.1, 0.3, converted / customers) if customers else (0.0, 1.0, None)
    return {"variant": name, "holdout": name == "none", "customers": customers, "converted": converted, "rate": rate,
            "low": low, "high": high, "best": 0.5}  # fmt: skip


DAYS = {FIRST + timedelta(days=7 * week): {NASTY: 10 * week, "b": 5} for week in range(9)}
STEPS = [step(NASTY, 40, 30), step("Bought", 10, 0)]
FEW = {("", "a"): 9, ("a", NASTY): 5, (NASTY, "ended"): 2}
MANY = {(f"s{one}", f"s{(one + 3) % 12}"): 20_000 * one for one in range(12)}
COHORT = {"from": "2026-01-01", "customers": 40,
          "periods": [{"number": one, "running": one == 14, **share(40 - one, 40)} for one in range(15)]}  # fmt: skip
VARIANTS = [variant(NASTY, 20, 100), variant("long", 25, 100), variant("none", 0, 0)]
GRID = [[row * column for column in range(5)] for row in range(5)]

Draw = Callable[..., str]
DRAWN: dict[str, Draw] = {
    "series": lambda **how: series.draw(DAYS, [NASTY, "b"], NASTY, "told", **how),
    "one period": lambda **how: series.draw({FIRST: {"a": 1}}, ["a"], "one", "told", **how),
    "funnel": lambda **how: bars.draw(STEPS, NASTY, "told", **how),
    "flow": lambda **how: movements.draw(FEW, ["a", NASTY], NASTY, "told", **how),
    "matrix": lambda **how: movements.draw(MANY, [f"s{one}" for one in range(12)], NASTY, "told", **how),
    "cohorts": lambda **how: triangle.draw([COHORT], "month", NASTY, "told", **how),
    "intervals": lambda **how: intervals.draw(VARIANTS, NASTY, "told", **how),
    "fifths": lambda **how: rfm_grid.draw(GRID, NASTY, "told", **how),
}
EMPTY: dict[str, Draw] = {
    "series": lambda **how: series.draw({FIRST: {}}, [], "none", "Nobody came.", **how),
    "funnel": lambda **how: bars.draw([], "none", "Nobody came.", **how),
    "movements": lambda **how: movements.draw({}, [], "none", "Nobody came.", **how),
    "cohorts": lambda **how: triangle.draw([], "month", "none", "Nobody came.", **how),
    "intervals": lambda **how: intervals.draw([variant("a", 0, 0)], "none", "Nobody came.", **how),
    "fifths": lambda **how: rfm_grid.draw([], "none", "Nobody came.", **how),
}


def texts(picture: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("width", [320, 920, 1_600])
@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_says_what_it_is_stays_in_its_frame_and_is_the_same_again(name: str, width: int, theme: str) -> None:
    picture = DRAWN[name](width=width, theme=theme)
    page = ElementTree.fromstring(picture)
    assert [page.findtext(f"{SVG}{one}") for one in ("title", "desc")][1] == "told"
    assert page.findtext(f"{SVG}title")
    assert (page.get("role"), float(page.get("width", 0))) == ("img", width)
    for one in (one for one in page.iter(f"{SVG}rect") if one.get("x")):
        x, y, wide, high = (float(one.get(side, 0)) for side in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + wide <= width
        assert y + high <= float(page.get("height", 0))
    for one in page.iter(f"{SVG}text"):
        assert 0 <= float(one.get("x", -1)) <= width
        assert 0 <= float(one.get("y", -1)) <= float(page.get("height", 0))
    assert picture == DRAWN[name](width=width, theme=theme)


@pytest.mark.parametrize("name", EMPTY)
def test_a_picture_of_nothing_is_a_sentence(name: str) -> None:
    assert texts(EMPTY[name]())[1:] == ["Nobody came."]


@pytest.mark.parametrize("name", ["series", "one period", "funnel", "intervals"])
def test_every_axis_begins_at_zero(name: str) -> None:
    assert {"0", "0%"} & {*texts(DRAWN[name]())}
    assert 'class="zero"' in DRAWN[name]()


def test_the_funnel_tells_each_drop_in_words() -> None:
    shown = texts(DRAWN["funnel"]())
    assert "− 30 (75.0%) went no further, 15 of them have time left" in shown
    assert "10 Bought: 25.0% of 40 (0.0% to 100.0%)" in shown


def test_a_flow_is_as_thick_as_it_has_customers_and_many_stages_are_a_matrix() -> None:
    page = ElementTree.fromstring(DRAWN["flow"]())
    ribbons = [one for one in page.iter(f"{SVG}path") if "flow" in (one.get("class") or "")]
    assert [one.findtext(f"{SVG}title") for one in ribbons] == [
        "entered → a: 9", f"a → {NASTY}: 5", f"{NASTY} → ended: 2",
    ]  # fmt: skip
    matrix = ElementTree.fromstring(DRAWN["matrix"]())
    assert sum(one.get("class") == "cell" for one in matrix.iter(f"{SVG}rect")) == 11
    assert "220k" in texts(DRAWN["matrix"]())


def test_a_narrow_triangle_leaves_periods_out_and_says_so() -> None:
    assert "12 later months left out" in " ".join(texts(DRAWN["cohorts"](width=320)))
    assert "left out" not in " ".join(texts(DRAWN["cohorts"](width=1_600)))
    assert 'class="still"' in DRAWN["cohorts"](width=1_600)


@pytest.mark.parametrize("name", ["matrix", "fifths"])
def test_where_nobody_is_a_cell_is_empty_on_either_paper(name: str) -> None:
    """A cell of a few is fainter than `soft` on the dark paper: it must not seem to hold fewer than an empty one."""
    cells = [one.get("class") for one in ElementTree.fromstring(DRAWN[name]()).iter(f"{SVG}rect") if one.get("class")]
    assert set(cells) == {"cell", "none"}
    assert ".none{stroke:var(--line);stroke-width:.5;fill:none}" in DRAWN[name]()


def test_what_is_said_of_shades_and_lines_holds_on_either_paper() -> None:
    assert "the fuller the colour, the larger the share" in " ".join(texts(DRAWN["cohorts"](width=1_600)))
    assert ".l0{stroke:var(--accent)}" in DRAWN["series"](), "dark green is hard to see on the dark paper"


def test_ticks_are_round_and_reach_the_highest() -> None:
    assert axes.ticks(9) == [0, 5, 10]
    assert axes.ticks(12_040, 5)[-1] == 15_000
    assert axes.ticks(0) == [0, 1]


def test_where_numbers_do_not_fit_into_a_matrix_the_ways_are_a_list_with_their_numbers() -> None:
    wide, narrow = (DRAWN["matrix"](width=width) for width in (920, 320))
    assert "s11 → s2" not in texts(wide)
    ways = [text for text in texts(narrow) if "→" in text]
    assert ways[0] == "s11 → s2"
    assert len(ways) == len([count for count in MANY.values() if count])
    assert "220,000" in texts(narrow)


def test_a_stage_has_one_colour_in_every_picture_of_its_journey() -> None:
    order = ["first", "second", "third"]
    flow = movements.draw({("second", "third"): 3}, order, "m", "told")
    lines = series.draw({FIRST: {"second": 1, "third": 2}, FIRST + timedelta(days=1): {}}, order, "s", "told")
    assert 'class="flow s1"' in flow
    assert ('class="line l1"' in lines, 'class="line l0"' in lines) == (True, False)
