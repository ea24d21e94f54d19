"""Who gets which variant of a split: by weight, for good, and with as few moved by an edit as must be."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.facts.customer_facts import EnrollmentFacts
from journeys.machine.commands import Assign
from journeys.machine.drive import answered, drive, in_turn
from journeys.machine.inputs import Assigned, Begin
from journeys.machine.machine import advance
from journeys.machine.state import ENGINE_VERSION, State
from journeys.program.assignment import variant_of
from journeys.program.nodes import NodeId, SplitNode, SplitVariant
from journeys.program.program import Program
from journeys.rules.split_answers import NO_SPLITS, KnownSplits, assigned, decided
from journeys.simulation.mail_policies import everything_goes
from journeys.simulation.simulator import PastFacts, Simulator, Trace, simulate

Compile = Callable[[str], Program]

JOURNEY = """
journey: j
start: a
stages:
  a:
    steps:
      - split: {id: tip, variants: {x: {weight: 45, steps: [{send: x}]}, y: {weight: 45, steps: [{send: y}]}, none: {weight: 10, holdout: true}}}
      - send: z
"""

CUSTOMERS = [f"cus_{number}" for number in range(3_000)]


def variants(weights: Mapping[str, int]) -> list[SplitVariant]:
    return [SplitVariant(name=name, weight=weight, holdout=False, target=None) for name, weight in weights.items()]


def given_to(weights: Mapping[str, int], customers: list[str] = CUSTOMERS) -> dict[str, str]:
    return {one: variant_of(one, "j", "tip", variants(weights)).name for one in customers}


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[tuple[str, str]]:
    was, now = given_to(before), given_to(after)
    return Counter((was[one], now[one]) for one in CUSTOMERS if was[one] != now[one])


def test_over_a_hundred_thousand_customers_each_variant_has_its_share() -> None:
    """Within four standard deviations of the binomial."""
    weights, many = {"x": 45, "y": 45, "none": 10}, 100_000
    seen = Counter(given_to(weights, [f"cus_{number:06}" for number in range(many)]).values())
    for name, weight in weights.items():
        share = weight / 100
        assert abs(seen[name] - many * share) < 4 * (many * share * (1 - share)) ** 0.5


WEIGHTS = st.dictionaries(st.sampled_from("pqrstu"), st.integers(1, 1_000), min_size=2, max_size=6)


@settings(max_examples=15, deadline=None)
@given(weights=WEIGHTS, data=st.data())
def test_one_weight_that_changes_moves_customers_to_that_variant_or_from_it_and_nobody_else(
    weights: dict[str, int], data: st.DataObject
) -> None:
    """So as many move as the shares differ by, which is the least that can."""
    name = data.draw(st.sampled_from(sorted(weights)))
    after = weights | {name: data.draw(st.integers(0, 2_000))}
    ways = moved(weights, after)
    grows = after[name] >= weights[name]
    assert all((to if grows else source) == name for source, to in ways)
    was, now = Counter(given_to(weights).values()), Counter(given_to(after).values())
    assert ways.total() == abs(now[name] - was[name])


@settings(max_examples=10, deadline=None)
@given(weights=WEIGHTS, new=st.integers(1, 1_000))
def test_a_variant_that_is_added_only_takes_and_one_that_is_removed_only_gives(
    weights: dict[str, int], new: int
) -> None:
    assert {to for _, to in moved(weights, {**weights, "new": new})} <= {"new"}
    assert {source for source, _ in moved({**weights, "new": new}, weights)} <= {"new"}


@settings(max_examples=10, deadline=None)
@given(weights=WEIGHTS, factor=st.integers(2, 50))
def test_neither_the_order_of_the_variants_nor_a_common_factor_moves_anybody(
    weights: dict[str, int], factor: int
) -> None:
    turned = {name: weight * factor for name, weight in reversed(weights.items())}
    assert given_to(weights) == given_to(turned)


def test_a_variant_without_weight_is_given_to_nobody() -> None:
    assert set(given_to({"x": 0, "y": 1}).values()) == {"y"}


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASKED = Assign(
    number=2, at=NOON, stage="a", visit=1, step="a/split:tip", split="tip", customer="cus_1",
)  # fmt: skip


def test_whoever_has_a_variant_keeps_it_whatever_its_weight(compiled: Compile) -> None:
    program = compiled(JOURNEY.replace("x: {weight: 45", "x: {weight: 0"))
    for name in ("x", "y", "none"):
        answer = assigned(program, ASKED, KnownSplits(given={"tip": name}))
        assert answer == Assigned(number=2, variant=name, why="remembered")


def test_a_winner_is_taken_by_everybody_and_the_definition_has_the_last_word(compiled: Compile) -> None:
    program = compiled(JOURNEY)
    known = KnownSplits(given={"tip": "y"}, winners={"tip": "x"})
    assert assigned(program, ASKED, known) == Assigned(number=2, variant="x", why="winner")
    assert assigned(decided(program, {"tip": "x"}), ASKED, NO_SPLITS) == Assigned(number=2, variant="x", why="winner")
    said = compiled(JOURNEY.replace("id: tip,", "id: tip, winner: none,"))
    assert assigned(decided(said, {"tip": "x"}), ASKED, known).variant == "none"


def test_a_winner_that_is_no_variant_any_more_decides_nothing(compiled: Compile) -> None:
    known = KnownSplits(given={"tip": "y"}, winners={"tip": "gone"})
    assert assigned(compiled(JOURNEY), ASKED, known) == Assigned(number=2, variant="y", why="remembered")


def test_whose_variant_was_removed_gets_no_other_and_goes_on_behind_the_split(
    compiled: Compile, noon: datetime
) -> None:

    program = compiled(JOURNEY)
    state = State(customer="cus_1", enrollment="enr_1", engine=ENGINE_VERSION)
    trace = Trace(state=state)
    shell = Simulator(
        program, PastFacts([], {}), EnrollmentFacts(entered_at=noon), everything_goes, trace,
        KnownSplits(given={"tip": "gone"}),
    )  # fmt: skip
    answered(drive(program, state, in_turn([Begin(at=noon)])), shell)
    assert [(one.what, one.detail) for one in trace.decisions] == [
        ("entered", {}),
        ("variant_gone", {"variant": "gone", "split": "tip"}),
    ]
    assert [plan.step for plan in trace.planned] == ["a/send:z"]


def test_a_state_of_the_first_engine_splits_as_it_did_and_asks_nobody(compiled: Compile, noon: datetime) -> None:
    """A history that was recorded then holds no answer to a question that nobody asked."""

    program = compiled(JOURNEY)
    state, commands = advance(program, State(customer="cus_1", enrollment="enr_1"), Begin(at=noon))
    assert [one.kind for one in commands] == ["decide", "decide", "plan"]
    assert state.engine == 1


def test_entering_again_gives_the_same_variant(compiled: Compile, noon: datetime) -> None:
    program = compiled(JOURNEY)
    for customer in CUSTOMERS[:20]:
        state = State(customer=customer, enrollment="enr_1")
        first, again = (
            simulate(program, replace(state, enrollment=name), PastFacts([], {}), noon, noon + timedelta(days=1))
            for name in ("enr_1", "enr_2")
        )
        assert [one.detail for one in first.decisions] == [one.detail for one in again.decisions]


def test_the_winner_of_a_definition_is_compiled(compiled: Compile) -> None:
    node = compiled(JOURNEY.replace("id: tip,", "id: tip, winner: y,")).nodes[NodeId("a/split:tip")]
    assert isinstance(node, SplitNode)
    assert node.winner == "y"
