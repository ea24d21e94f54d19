"""How often customers order, whether they still do, and for how much: held against what is published of CDNOW.

The figures are those of Fader, Hardie and Lee (2005) for BG/NBD, and of Fader and Hardie (2013) for gamma-gamma.
"""

import csv
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from scipy import special
from typer.testing import CliRunner

from services.imports.histories import order_files
from services.imports.histories.event_histories import LineErrors
from value import bgnbd, calibration, fitting, gamma_gamma, histories, report, rfm
from value.bgnbd import BgNbd
from value.gamma_gamma import GammaGamma
from value.histories import Buyer, DaysOfOrders
from value.numerics import CannotFit
from waypost.cli.app import app

ORDERS = Path(__file__).parents[2] / "examples" / "cdnow" / "orders.csv"
UNTIL = date(1997, 9, 30)
PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)


def cdnow() -> list[DaysOfOrders]:
    days: defaultdict[str, defaultdict[date, float]] = defaultdict(lambda: defaultdict(float))
    with ORDERS.open() as file:
        for row in csv.DictReader(file):
            days[row["customer"]][date.fromisoformat(row["ordered_on"])] += float(row["total"])
    return list(days.values())


def events(path: Path, customers: int = 2357) -> Path:
    """The sample, or its first customers, as a file of events."""
    with ORDERS.open() as orders, path.open("w") as file:
        file.write("type,userId,event,timestamp,messageId,total\n")
        for number, row in enumerate(csv.DictReader(orders)):
            if int(row["customer"]) > customers:
                break
            file.write(f"track,{row['customer']},Order Completed,{row['ordered_on']},m{number},{row['total']}\n")
    return path


# -- fits --------------------------------------------------------------------------------------------------------------


def test_the_published_values_of_cdnow_are_found_to_three_digits(tmp_path: Path) -> None:
    errors = LineErrors()
    everybody = order_files.days_of_orders(events(tmp_path / "orders.csv"), datetime(2026, 1, 1, tzinfo=UTC), errors)
    made = report.make(everybody, UNTIL).as_json()
    assert errors.count == 0
    assert (made["customers"], made["repeat_orders"]) == (2357, 2457)
    fit, money = made["fit"], made["money"]
    assert {name: round(fit[name], 3) for name in ("r", "alpha", "a", "b")} == {
        "r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426,
    }  # fmt: skip
    assert round(fit["log_likelihood"], 1) == -9582.4
    assert {name: round(money[name], 2) for name in ("p", "q", "gamma")} == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert money["customers"] == 946


def test_a_fit_is_held_against_the_time_behind_it() -> None:
    found = report.make(cdnow(), UNTIL).calibration
    assert found is not None
    assert (found.learnt_until, found.until, found.customers) == (UNTIL, date(1998, 6, 30), 2357)
    assert found.came == sum(one.came for one in found.kinds) == 1882
    assert found.error == pytest.approx(-0.12, abs=0.01)  # the paper's figure 4: below what came, by about a tenth
    assert [one.customers for one in found.kinds] == [1411, 439, 214, 100, 62, 38, 29, 64]


def test_where_nothing_came_behind_a_fit_it_is_learnt_again_without_the_last_part() -> None:
    everybody = [{day: value for day, value in days.items() if day <= UNTIL} for days in cdnow()]
    last = max(day for days in everybody for day in days)
    found = report.make(everybody, last).calibration
    assert found is not None
    assert found.learnt_until == last - timedelta(days=90)
    assert calibration.last_day_learnt(date(2026, 1, 1), date(2026, 1, 31)) == date(2026, 1, 21)


def test_too_few_who_ordered_again_are_no_fit() -> None:
    with pytest.raises(CannotFit, match=r"^29 customers ordered again; a fit takes 30$"):
        fitting.fit_orders([Buyer(repeat_orders=1, last=2.0, age=30.0, mean=5.0)] * 29)


def test_customers_who_are_all_alike_do_not_tell_how_customers_differ() -> None:
    with pytest.raises(CannotFit, match="do not tell"):
        fitting.fit_orders([Buyer(repeat_orders=30, last=30.0, age=30.0, mean=5.0)] * 100)


def test_orders_without_amounts_have_a_fit_of_orders_alone() -> None:
    made = report.make([dict.fromkeys(days) for days in cdnow()], UNTIL)
    assert made.money is None
    assert made.fit.model.r == pytest.approx(0.243, abs=0.001)


# -- what is expected --------------------------------------------------------------------------------------------------


def test_what_is_expected_of_a_customer_is_the_published_figure() -> None:
    who = Buyer(repeat_orders=2, last=30.43, age=38.86)  # customer 1 of the paper's spreadsheet
    assert bgnbd.expected_orders(PUBLISHED, who, 39) == pytest.approx(1.226, abs=0.001)


@pytest.mark.parametrize("model", [PUBLISHED, BgNbd(r=0.5, alpha=5, a=0.2, b=0.3), BgNbd(r=2, alpha=9, a=3, b=1.5)])
@pytest.mark.parametrize("x", [0, 1, 5, 60])
@pytest.mark.parametrize("ahead", [90 / 7, 365 / 7])
def test_expected_orders_are_what_the_formula_says(model: BgNbd, x: int, ahead: float) -> None:
    who = Buyer(repeat_orders=x, last=20.0 if x else 0.0, age=39.0)
    shape, lost, total = model.r + x, model.b + x, model.a + model.b + x - 1
    grown = model.alpha + who.age + ahead
    series = special.hyp2f1(shape, lost, total, ahead / grown)
    unconditional = total / (model.a - 1) * (1 - ((model.alpha + who.age) / grown) ** shape * series)
    wanted = unconditional * bgnbd.alive(model, who)
    assert bgnbd.expected_orders(model, who, ahead) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (0.4, 0.6)])
def test_where_the_formula_has_no_value_its_limit_holds(a: float, b: float) -> None:
    who = Buyer(repeat_orders=0, last=0.0, age=30.0)
    here, beside = BgNbd(r=0.3, alpha=4, a=a, b=b), BgNbd(r=0.3, alpha=4, a=a + 1e-5, b=b)
    assert bgnbd.expected_orders(here, who, 20) == pytest.approx(bgnbd.expected_orders(beside, who, 20), rel=1e-3)


def test_whoever_keeps_ordering_is_alive_and_whoever_stopped_is_not() -> None:
    often = [Buyer(repeat_orders=10, last=last, age=60.0) for last in (59.0, 30.0, 10.0)]
    assert [round(bgnbd.alive(PUBLISHED, one), 2) for one in often] == [0.92, 0.02, 0.0]
    assert bgnbd.alive(PUBLISHED, Buyer(repeat_orders=0, last=0.0, age=500.0)) == 1.0
    assert bgnbd.alive(PUBLISHED, Buyer(repeat_orders=5_000, last=1.0, age=5_000.0)) == pytest.approx(0.0)


def test_one_dear_order_is_drawn_towards_what_all_spend() -> None:
    money = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    everybody = gamma_gamma.expected_value(money, Buyer(repeat_orders=0, last=0, age=9))
    assert everybody == pytest.approx(6.25 * 15.44 / 2.74)
    once, often = (Buyer(repeat_orders=n, last=8, age=9, mean=200.0) for n in (1, 20))
    drawn = [everybody or 0, *(gamma_gamma.expected_value(money, one) or 0 for one in (once, often)), 200]
    assert drawn == sorted(drawn)
    assert gamma_gamma.expected_value(GammaGamma(p=6, q=1, gamma=15), once) is None


# -- days, fifths and classes ------------------------------------------------------------------------------------------


def test_orders_of_one_day_are_one_and_the_first_is_no_repeat() -> None:
    day = date(2026, 3, 2)
    days = {day: 10.0, day + timedelta(days=14): 20.0, day + timedelta(days=21): None, day + timedelta(days=99): 5.0}
    assert histories.buyer(days, day + timedelta(days=28)) == Buyer(repeat_orders=2, last=3.0, age=4.0, mean=20.0)
    assert histories.buyer(days, day) == Buyer(repeat_orders=0, last=0.0, age=0.0)
    assert histories.buyer(days, day - timedelta(days=1)) is None


def test_fifths_are_told_by_four_borders_and_who_is_alike_is_alike() -> None:
    between = rfm.borders([float(one) for one in range(1, 101)])
    assert between == (20, 40, 60, 80)
    assert [rfm.score(value, between) for value in (1, 20, 21, 80, 81, 1_000)] == [1, 1, 2, 4, 5, 5]
    assert [rfm.score(value, rfm.borders([1.0] * 90 + [2.0] * 10)) for value in (1.0, 2.0)] == [1, 5]
    assert rfm.borders([]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        ("555", "champions"), ("454", "champions"), ("533", "loyal"), ("511", "promising"), ("345", "loyal"),
        ("322", "promising"), ("311", "hibernating"), ("255", "at_risk"), ("144", "at_risk"), ("233", "hibernating"),
        ("211", "hibernating"), ("111", "lost"), ("122", "lost"),
    ],
)  # fmt: skip
def test_each_class_has_its_fifths(scores: str, named: str) -> None:
    recency, frequency, monetary = map(int, scores)
    found = rfm.Scores(recency=recency, frequency=frequency, monetary=monetary)
    assert (found.text, rfm.class_of(found)) == (scores, named)


def test_every_customer_is_in_a_class() -> None:
    every = [
        rfm.Scores(recency=r, frequency=f, monetary=m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)
    ]
    assert {rfm.class_of(one) for one in every} == set(rfm.CLASSES)


def test_the_command_tells_it_as_json(tmp_path: Path) -> None:
    file = events(tmp_path / "orders.csv", customers=400)
    told = CliRunner().invoke(app, ["value", "--events", str(file), "--until", "1997-09-30", "--json"])
    made = json.loads(told.stdout)
    assert made.keys() == {"customers", "repeat_orders", "fit", "money", "calibration"}
    assert made["fit"].keys() == {"r", "alpha", "a", "b", "log_likelihood"}
    assert made["money"].keys() == {"p", "q", "gamma", "customers"}
    assert (made["customers"], made["calibration"]["until"]) == (400, "1998-06-30")


def test_a_file_that_cannot_be_fitted_is_told_why(tmp_path: Path) -> None:
    file = events(tmp_path / "orders.csv", customers=20)
    told = CliRunner().invoke(app, ["value", "--events", str(file), "--until", "1997-09-30"])
    assert (told.exit_code, "customers ordered again; a fit takes 30" in told.output) == (1, True)
