"""Intervals of shares and of their difference keep what they promise; so does the number that is needed."""

from collections import Counter
from math import exp, isclose, lgamma, log
from random import Random

import pytest

from services.statistics import best_of, bootstrap, proportions, shares
from services.statistics.proportions import Interval, Proportion


def binomial(random: Random, n: int, rate: float) -> int:
    return sum(random.random() < rate for _ in range(n))


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_the_interval_of_a_difference_is_the_published_one(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe (1998), table II, method 10, examples a, b and g."""
    found = proportions.difference(Proportion(count=one[0], n=one[1]), Proportion(count=other[0], n=other[1]))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nobody_nothing_is_known() -> None:
    nobody = Proportion(count=0, n=0)
    assert (nobody.rate, proportions.interval(nobody)) == (0.0, Interval(low=0.0, high=1.0))
    assert proportions.difference(nobody, nobody) == Interval(low=-1.0, high=1.0)


def test_the_number_that_is_needed_is_the_tables() -> None:
    """Fleiss, Levin and Paik, table A.4 without the correction for continuity."""
    assert proportions.needed(0.10, 0.13) == 1774
    assert proportions.needed(0.50, 0.60) == 388
    assert proportions.needed(0.10, 0.10) is None


def test_the_chance_to_be_best_is_the_exact_sum() -> None:
    """For two shares there is a closed form (Miller 2015), term by term."""

    def beta(a: float, b: float) -> float:
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    for one, other in (((12, 100), (10, 100)), ((0, 5), (3, 4)), ((1_200, 10_000), (1_000, 9_000)), ((2, 9), (0, 900))):
        (x, n), (y, m) = one, other
        a, b, c, d = 1 + x, 1 + n - x, 1 + y, 1 + m - y
        below, above = best_of.chances([Proportion(count=y, n=m), Proportion(count=x, n=n)])
        exact = sum(exp(beta(a + i, b + d) - log(d + i) - beta(1 + i, d) - beta(a, b)) for i in range(c))
        assert isclose(above, 1 - exact, abs_tol=1e-5)
        assert isclose(below, exact, abs_tol=1e-5)


def test_equal_shares_are_equally_likely_to_be_the_best_and_one_alone_is() -> None:
    equal = Proportion(count=10, n=100)
    assert [round(one, 6) for one in best_of.chances([equal] * 4)] == [0.25] * 4
    assert best_of.chances([equal]) == [1.0]
    assert best_of.chances([]) == []


def test_shares_that_do_not_fit_their_weights_are_found() -> None:
    """The chances are those of the tables of chi-square: 3.841, 5.991 and 7.815 are the 5% points."""
    for statistic, freedom in ((3.841, 1), (5.991, 2), (7.815, 3), (9.488, 4)):
        assert isclose(shares._beyond(statistic, freedom), 0.05, abs_tol=1e-4)
    found = shares.chance([821_588, 815_482], [818_535.0, 818_535.0])
    assert found is not None
    assert found < shares.MISMATCH, "the case that Fabijan et al. tell"
    assert shares.chance([3, 4], [3.5, 3.5]) is None
    assert shares.chance([100, 100], [100.0, 100.0]) == 1.0


def test_the_same_amounts_say_the_same_every_day() -> None:
    amounts = [float(number % 90) for number in range(300)]
    assert bootstrap.means(Counter(amounts), 3_000, "a") == bootstrap.means(Counter(amounts), 3_000, "a")
    assert bootstrap.means(Counter(amounts), 3_000, "a") != bootstrap.means(Counter(amounts), 3_000, "b")
    assert set(bootstrap.means({}, 3_000, "a")) == {0.0}


@pytest.mark.parametrize("rate", [0.03, 0.1])
def test_what_a_customer_is_worth_lies_in_its_interval_as_often_as_promised(rate: float) -> None:
    """Of 2,000 customers some 60 or 200 pay, a few of them much: what is drawn one by one, and by its moments."""
    found, truth = 0, rate * exp(3 + 0.8**2 / 2)
    for seed in range(100):
        random = Random(seed)
        amounts = [random.lognormvariate(3, 0.8) for _ in range(2_000) if random.random() < rate]
        interval = bootstrap.interval(bootstrap.means(Counter(amounts), 2_000, str(seed)))
        found += interval.low <= truth <= interval.high
    assert abs(found - 95) <= 3


def test_a_mean_of_skewed_amounts_is_as_skewed_whether_drawn_one_by_one_or_by_its_moments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = Random(3)
    amounts = [random.lognormvariate(3, 1) for _ in range(101)]
    by_moments = bootstrap.interval(bootstrap.means(Counter(amounts), 1_000, "x"))
    monkeypatch.setattr(bootstrap, "LARGEST", 101)
    one_by_one = bootstrap.interval(bootstrap.means(Counter(amounts), 1_000, "x"))
    width = one_by_one.high - one_by_one.low
    assert abs(by_moments.low - one_by_one.low) < 0.06 * width
    assert abs(by_moments.high - one_by_one.high) < 0.06 * width


def test_the_bootstrap_of_a_mean_is_as_wide_as_the_theory_says() -> None:
    random = Random(1)
    amounts = [random.expovariate(1 / 50) for _ in range(400)]
    for sold in (amounts, amounts * 6):
        customers = 10 * len(sold)
        found = bootstrap.interval(bootstrap.means(Counter(sold), customers, "x"))
        mean = sum(sold) / customers
        deviation = ((sum(one * one for one in sold) / customers - mean**2) / customers) ** 0.5
        assert isclose(found.low, mean - 1.96 * deviation, rel_tol=0.05)
        assert isclose(found.high, mean + 1.96 * deviation, rel_tol=0.05)
