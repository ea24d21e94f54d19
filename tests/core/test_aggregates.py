"""Aggregates taken back to an earlier event: what is subtracted equals what a fold over the history says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from journeys.facts import customer_facts
from journeys.facts.customer_facts import NOTHING, Aggregate, Earlier

START = datetime(2026, 1, 1, tzinfo=UTC)
Happened = tuple[datetime, float]

instants = st.integers(0, 40).map(lambda hours: START + timedelta(hours=hours))
prices = st.integers(-10_000_000, 10_000_000).map(lambda cents: cents / 100)
odd_amounts = st.floats(-1e20, 1e20, allow_nan=False)


def folded(happened: Sequence[Happened]) -> Aggregate:
    known = NOTHING
    for at, amount in happened:
        known = customer_facts.fold(known, at, amount)
    return known


def histories(amounts: st.SearchStrategy[float]) -> st.SearchStrategy[list[Happened]]:
    return st.lists(st.tuples(instants, amounts), max_size=30)


@given(histories(prices), histories(prices))
def test_what_came_later_is_subtracted(earlier: list[Happened], later: list[Happened]) -> None:
    before, then = customer_facts.before(folded([*earlier, *later]), later), folded(earlier)
    assert (before.count, before.sum) == (then.count, then.sum)
    assert before.first_at in (None, then.first_at)
    assert before.last_at in (None, then.last_at)
    if earlier:  # only an instant that a later event has too is left open
        assert (before.first_at is None) == any(at <= min(at for at, _ in earlier) for at, _ in later)
        assert (before.last_at is None) == any(at >= max(at for at, _ in earlier) for at, _ in later)


@given(histories(st.one_of(prices, odd_amounts)), histories(st.one_of(prices, odd_amounts)))
def test_a_sum_that_cannot_be_subtracted_is_left_open_and_never_wrong(
    earlier: list[Happened], later: list[Happened]
) -> None:
    before = customer_facts.before(folded([*earlier, *later]), later)
    assert before.sum in (None, folded(earlier).sum)


def test_without_any_of_its_events_nothing_is_left() -> None:
    happened = [(START, 9.5), (START + timedelta(hours=1), 1e300)]
    assert customer_facts.before(folded(happened), happened) == Earlier(count=0, first_at=None, last_at=None, sum=0.0)
