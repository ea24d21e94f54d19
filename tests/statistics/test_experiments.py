"""Experiments: a planted lift is found where it is, equal variants have no winner, and the sentences say what is known."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from services.experiments import comparison, sentences
from services.experiments.comparison import VariantCounts
from services.statistics import proportions

LOOKS = 5


def shop(seed: int, rates: dict[str, float], customers: int) -> list[VariantCounts]:
    """So many customers in each variant, who convert at these rates."""
    random = Random(seed)
    return [
        VariantCounts(
            name=name,
            customers=customers,
            expected=float(customers),
            converted=sum(random.random() < rate for _ in range(customers)),
        )
        for name, rate in rates.items()
    ]


def test_a_planted_lift_of_three_points_lies_in_its_interval_as_often_as_promised() -> None:
    found = 0
    for seed in range(100):
        held, mailed = shop(seed, {"held": 0.10, "mailed": 0.13}, 2_000)
        interval = proportions.difference(mailed.conversion, held.conversion)
        found += interval.low <= 0.03 <= interval.high
    assert abs(found - 95) <= 3


@pytest.mark.parametrize("names", ["ab", "abc", "abcd"])
def test_equal_variants_are_decided_in_at_most_one_test_of_twenty_however_often_it_is_looked_at(names: str) -> None:
    """Each look sees twice as many as the one before, as the looks of a split that decides itself do."""
    won = 0
    for seed in range(200):
        random, seen = Random(seed), dict.fromkeys(names, 0)
        for look in range(1, LOOKS + 1):
            more = 100 if look == 1 else 100 * 2 ** (look - 2)
            for name in names:
                seen[name] += sum(random.random() < 0.1 for _ in range(more))
            customers = 100 * 2 ** (look - 1)
            arms = [VariantCounts(name=name, customers=customers, converted=count) for name, count in seen.items()]
            if comparison.winner("tip", arms, "conversion", 0.95, look):
                won += 1
                break
    assert won <= 10


def test_a_variant_that_is_better_wins() -> None:
    arms = shop(1, {"short": 0.10, "long": 0.15}, 2_000)
    best = comparison.winner("tip", arms, "conversion", 0.95, 1)
    assert best is not None
    assert best.name == "long"


def test_equal_variants_are_not_decided_by_their_revenue_either() -> None:
    won = 0
    for seed in range(20):
        random = Random(seed)
        arms = [
            VariantCounts(
                name=name,
                customers=1_000,
                converted=60,
                amounts={"EUR": Counter(random.expovariate(1 / 40) for _ in range(60))},
            )
            for name in "ab"
        ]
        won += comparison.winner("tip", arms, "revenue", 0.95, 1) is not None
    assert won <= 2


def test_revenue_in_two_currencies_decides_nothing_and_in_one_it_does() -> None:
    def arms(currency: str) -> list[VariantCounts]:
        many = VariantCounts(name="many", customers=1_000, converted=200, amounts={"EUR": {50.0: 200}})
        return [many, VariantCounts(name="few", customers=1_000, converted=20, amounts={currency: {50.0: 20}})]

    assert comparison.winner("tip", arms("USD"), "revenue", 0.95, 1) is None
    best = comparison.winner("tip", arms("EUR"), "revenue", 0.95, 1)
    assert best is not None
    assert best.name == "many"


def test_shares_that_do_not_fit_decide_nothing_and_are_told_first() -> None:
    arms = [
        VariantCounts(name="short", customers=1_000, converted=50, expected=850.0),
        VariantCounts(name="long", customers=700, converted=200, expected=850.0),
    ]
    assert comparison.winner("tip", arms, "conversion", 0.95, 1) is None
    first, *_ = sentences.told(arms, None, 0)
    assert "Do not trust the comparison" in first


def test_what_is_said_of_an_early_look_without_a_holdout() -> None:
    arms = [
        VariantCounts(name="short", customers=400, converted=40, expected=400.0),
        VariantCounts(name="long", customers=410, converted=49, expected=410.0),
    ]
    needed = comparison.still_needed(arms)
    assert sentences.told(arms, None, needed) == [
        "long converts 12.0% of 410, short converts 10.0% of 400: a difference of +2.0 points (95%: -2.4 to +6.3), "
        "so it may be chance.",
        f"This is an early look: it takes about {needed:,} more customers in a variant to tell such a difference from "
        "chance, and a difference that shows before often goes away again.",
        "No variant holds anybody back, so this compares variants with each other and cannot tell what would have "
        "happened without them.",
    ]


def test_what_is_said_of_a_holdout() -> None:
    mailed = VariantCounts(name="mailed", customers=4_000, converted=600)
    held = VariantCounts(name="held", holdout=True, customers=1_000, converted=100)
    lift = comparison.effect("tip", mailed, held) | {"n": held.customers}
    told = sentences.told([mailed, held], lift, comparison.still_needed([mailed, held]))
    assert told[-1] == (
        "Against those who are held back (1,000 customers), the split changes conversion by +5.0 points "
        "(95%: +2.7 to +7.1)."
    )
    assert len(told) == 2, "it is no early look"


def test_of_nobody_there_is_one_sentence_and_no_rate() -> None:
    arms = [VariantCounts(name="short"), VariantCounts(name="long")]
    assert sentences.told(arms, None, None) == ["Nobody has come to this split yet."]
    assert [one["rate"] for one in comparison.figures("tip", arms)] == [None, None]


def test_a_control_group_finds_what_mail_brings_and_equal_groups_differ_as_seldom_as_promised() -> None:
    """A tenth is held back: three points more are in the interval in 95 of 100 shops, and in 95 of 100 none are told."""
    found, told = 0, 0
    for seed in range(100):
        (held,) = shop(seed, {"control group": 0.10}, 600)
        (mailed,) = shop(1_000 + seed, {"everybody else": 0.13}, 5_400)
        (same,) = shop(2_000 + seed, {"everybody else": 0.10}, 5_400)
        lifted, equal = (
            comparison.lift("control group", [replace(held, holdout=True), one], "control group", "everybody else")
            for one in (mailed, same)
        )
        assert lifted is not None
        assert equal is not None
        found += lifted["conversion"]["low"] <= 0.03 <= lifted["conversion"]["high"]
        told += not equal["conversion"]["low"] <= 0 <= equal["conversion"]["high"]
    assert abs(found - 95) <= 3
    assert abs(told - 5) <= 3


def test_what_is_said_of_a_control_group_that_lost_some() -> None:
    held = VariantCounts(name="control group", holdout=True, customers=300, converted=30, expected=500.0)
    mailed = VariantCounts(name="everybody else", customers=4_700, converted=940, expected=4_500.0)
    lift = comparison.lift("control group", [held, mailed], "control group", "everybody else")
    first, compared, caused = sentences.told([held, mailed], lift, 0, sentences.CONTROL_GROUP)
    assert first.startswith("Customers are not in the two groups as the size of the control group says (by chance in ")
    assert "something loses those of one group. Do not trust the comparison" in first
    assert compared.startswith("everybody else converts 20.0% of 4,700, control group converts 10.0% of 300")
    assert caused.startswith(
        "Against those who are held back (300 customers), marketing mail changes conversion by +10"
    )
