"""Where a customer has been, as bars: each visit, what is in it and ahead of it, in any width, zone and theme."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from pictures import visits
from pictures.visits import VisitBar, VisitPoint

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
NASTY = '<b>&"x'


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


BARS = [
    VisitBar(name="trial", since=ago(40), until=ago(10), points=[
        VisitPoint(at=ago(40), kind="mail", told="welcome: accepted"), VisitPoint(at=ago(30), kind="not", told="thank you: skipped"),
        VisitPoint(at=ago(35), kind="step", told="branched"),
    ]),
    VisitBar(name=NASTY, since=ago(10), until=None, ahead=ago(-20), points=[
        VisitPoint(at=ago(-20), kind="planned", told="cross sell, foreseen")
    ]),
]  # fmt: skip


def draw(bars: list[VisitBar] = BARS, **how: Any) -> ElementTree.Element:
    return ElementTree.fromstring(visits.draw(bars, NOW, ZoneInfo("Europe/Berlin"), "Visits", "told", **how))


def texts(page: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in page.iter(f"{SVG}text")]


def titles(page: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in page.iter(f"{SVG}title")][1:]


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
@pytest.mark.parametrize("width", [320, 920, 1_600])
def test_the_bars_stay_in_their_frame_and_need_no_style_of_their_own(width: int, theme: Any) -> None:
    page = draw(width=width, theme=theme)
    assert (page.get("role"), float(page.get("width", 0))) == ("img", width)
    for one in (one for one in page.iter(f"{SVG}rect") if one.get("x")):
        assert float(one.get("x", 0)) >= 0
        assert float(one.get("x", 0)) + float(one.get("width", 0)) <= width
    assert [one.get("style") for one in page.iter()] == [None] * len(list(page.iter()))


def test_a_bar_says_its_stage_and_its_instants_on_the_readers_clock() -> None:
    page = draw()
    assert texts(page)[-3:] == ["trial", NASTY, "now"]
    assert titles(page) == [
        "trial: 30 Jan 2026, 00:30 to 1 Mar 2026, 00:30",
        "welcome: accepted, 30 Jan 2026, 00:30",
        "thank you: skipped, 9 Feb 2026, 00:30",
        "branched, 4 Feb 2026, 00:30",
        f"{NASTY}: 1 Mar 2026, 00:30 to now",
        f"{NASTY}, as it is foreseen: until 31 Mar 2026, 01:30",
        "cross sell, foreseen, 31 Mar 2026, 01:30",
    ]


def test_what_is_foreseen_is_hatched_behind_now() -> None:
    page = draw()
    hatched = [one for one in page.iter(f"{SVG}rect") if one.get("fill") == "url(#hatched)"]
    now = next(one for one in page.iter(f"{SVG}path") if one.get("class") == "now")
    assert [float(one.get("x", 0)) for one in hatched] == [
        pytest.approx(float((now.get("d") or "")[1:].split(",")[0]), 0.2)
    ]
    assert "now" not in texts(draw(BARS[:1]))


def test_hours_are_marked_on_a_short_time_and_days_on_a_long_one() -> None:
    short = [VisitBar(name="a", since=NOW - timedelta(hours=5), until=None)]
    assert texts(draw(short))[1:-1] == [
        "10 Mar 19:30", "10 Mar 20:30", "10 Mar 21:30", "10 Mar 22:30", "10 Mar 23:30", "11 Mar 00:30"
    ]  # fmt: skip
    assert "30 Jan 2026" in texts(draw())


def test_a_visit_that_has_just_begun_and_no_visit_at_all_are_drawn() -> None:
    assert "a" in texts(draw([VisitBar(name="a", since=NOW, until=None)]))
    assert texts(draw([])) == ["Visits", "told"]
