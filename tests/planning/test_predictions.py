"""What a plan says of somebody is what the core then does to them: random pairs of versions, random states.

`make test-deep` tries more of them.
"""

import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from journeys.changes.mapping import VersionMapping, mapping_of
from journeys.changes.outcomes import KEEPS, Kind, SentMail, Standing
from journeys.changes.place import place
from journeys.changes.unchanged_ahead import same_ahead
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.drive import answered, drive, in_turn
from journeys.machine.inputs import Migrated, Woke
from journeys.machine.state import OpenQuestion, State
from journeys.machine.woken import STATE, kept, restored
from journeys.program.nodes import StageKey
from journeys.program.program import Program
from journeys.rules.split_answers import KnownSplits
from journeys.simulation.forecast import run_on
from journeys.simulation.mail_policies import everything_goes
from journeys.simulation.simulator import PastFacts, RecordedEvent, Simulator, Trace, simulate
from tests.planning import versions

PAIRS, STATES = (500, 20) if "WAYPOST_DEEP" in os.environ else (60, 10)


def standing(program: Program, choose: random.Random, noon: datetime) -> tuple[Standing, PastFacts, datetime]:
    """Somebody who has been under way for up to two weeks, with what they did, were sent and were assigned."""
    now = noon + timedelta(seconds=choose.randrange(1, 14 * 86_400))
    whens = sorted(noon + timedelta(seconds=choose.randrange(21 * 86_400)) for _ in range(choose.randint(0, 4)))
    events = [RecordedEvent(seq=1, name="Signed Up", at=noon)] + [
        RecordedEvent(seq=seq, name=choose.choice(versions.EVENTS), at=at)
        for seq, at in enumerate((one for one in whens if one < now), start=2)
    ]
    past = PastFacts(events, {"vip": choose.random() < 0.5, "email": "a@example.com"}, "Europe/Berlin")
    begun = State(customer=f"c{choose.randrange(99)}", enrollment=f"e{choose.randrange(10**6)}", cursor=1)
    trace = simulate(program, begun, past, noon, now)
    known: CustomerFacts = past.known(len(events))
    stands = Standing(
        state=trace.state,
        known=known,
        enrollment=EnrollmentFacts(entered_at=noon),
        sent=tuple(SentMail(step=one.plan.step, template=one.template, at=one.plan.at) for one in trace.mails),
        in_ledger=frozenset((one.plan.step, one.plan.visit) for one in trace.mails if one.plan.visit == trace.state.visit),
        splits=KnownSplits(given={one.detail["split"]: one.detail["variant"] for one in trace.decisions if "split" in one.detail}),
    )  # fmt: skip
    return _caught(stands, choose), past, now


def _caught(stands: Standing, choose: random.Random) -> Standing:
    """Some are paused, and some are met while something of theirs is under way."""
    caught = choose.random()
    if stands.state.ended or caught > 0.2:
        return stands
    if caught > 0.1:
        return replace(stands, state=stands.state.changed(paused=True))
    if caught > 0.05:
        return replace(stands, on_its_way=True)
    question = OpenQuestion(number=stands.state.number + 1, about="branch")
    return replace(stands, state=stands.state.changed(asking=question))


def what_happens(
    program: Program, stands: Standing, state: State, past: PastFacts, now: datetime
) -> tuple[Sequence[str], State]:
    """The templates that go as soon as somebody was moved, as the simulator (the production core) sends them."""
    trace = Trace(state=state)
    own = EnrollmentFacts(entered_at=state.entered_at)
    shell = Simulator(program, past, own, everything_goes, trace, stands.splits, stands.in_ledger)
    state = answered(drive(program, state, in_turn([Migrated(at=now)])), shell)
    for _ in range(40):
        if state.wakes_at is None or state.wakes_at > now:
            break
        state = answered(drive(program, state, in_turn([Woke(at=max(state.wakes_at, now), seq=state.cursor)])), shell)
    return [one.template for one in trace.mails], state


@pytest.mark.parametrize("seed", range(PAIRS))
def test_what_is_foreseen_is_what_happens(seed: int, noon: datetime) -> None:
    choose = random.Random(seed)
    made, kinds = versions.pair(choose), Counter[str]()
    mapping, chosen = mapping_of(made.old, made.new, made.moves), versions.choices(choose)
    for _ in range(STATES):
        stands, past, now = standing(made.old, choose, noon)
        outcome = place(mapping, stands, now, chosen)
        kinds[outcome.kind] += 1
        assert (outcome.state is None) == (outcome.kind in KEEPS)
        caught = stands.on_its_way or stands.state.asking is not None
        assert caught == (outcome.kind == "unsettled") or outcome.kind == "pinned"
        if outcome.state is None:
            continue
        check_the_state(made.new, outcome.state)
        check_the_month(mapping, stands, outcome.state, now)
        sent_now, reached = what_happens(made.new, stands, outcome.state, past, now)
        if outcome.kind == "mails_at_once":
            assert sent_now[0] == outcome.template
        elif outcome.kind != "mails_again":
            assert sent_now == [], "nobody is mailed whom the plan did not name"
        if outcome.kind == "would_leave":
            assert reached.ended or reached.visit > outcome.state.visit
        elif outcome.kind in ("stays", "retimed", "moves", "rests") and not outcome.state.paused:
            acts = outcome.acts[1]
            assert (reached.wakes_at == acts) or (acts is not None and acts <= now), "it acts at the instant foreseen"
            assert (reached.ended, reached.visit) == (False, outcome.state.visit)
        if outcome.kind == "stays":
            assert outcome.acts[0] == outcome.acts[1]
    assert kinds.total() == STATES
    assert set(kinds) <= set(get_args(Kind))


def check_the_month(mapping: VersionMapping, stands: Standing, moved: State, now: datetime) -> bool:
    """Where both versions are said to do the same ahead, they do: the month is run on once for both."""
    names = same_ahead(mapping, stands, moved)
    if names is None or moved.paused:
        return False
    (mails, state), (others, other) = (
        month(mapping.old, stands, stands.state, now, ()),
        month(mapping.new, stands, moved, now, [Migrated(at=now)]),
    )
    assert mails == others
    assert (names.get(StageKey(state.stage)), state.ended) == (other.stage, other.ended)
    return True


def month(
    program: Program, stands: Standing, state: State, now: datetime, first: Sequence[Migrated]
) -> tuple[Sequence[tuple[datetime, str]], State]:
    """The mails of a month in which nothing happens, with their instants, and where it ends."""
    trace = run_on(
        program, state, stands.known, stands.enrollment, everything_goes, now, now + timedelta(days=30),
        most=99, first=first, splits=stands.splits, in_ledger=stands.in_ledger,
    )  # fmt: skip
    return [(one.plan.at, one.template) for one in trace.mails], trace.state


def check_the_state(program: Program, state: State) -> None:
    """It stands in the program, and survives its way through the database."""
    stage: Any = program.stages.get(state.stage)  # type: ignore[call-overload]
    assert stage is not None
    assert state.position is None or state.position in program.steps_of(stage.key)
    assert all(one.transition < len(stage.transitions) for one in state.deadlines)
    assert restored(kept(state)) == STATE.validate_python(kept(state)) == state


def test_the_pairs_meet_every_kind(noon: datetime) -> None:
    """Otherwise the test above proves less than it says."""
    kinds, alike = Counter[str](), 0
    for seed in range(60):
        choose = random.Random(seed)
        made = versions.pair(choose)
        mapping, chosen = mapping_of(made.old, made.new, made.moves), versions.choices(choose)
        for _ in range(10):
            stands, _, now = standing(made.old, choose, noon)
            outcome = place(mapping, stands, now, chosen)
            kinds[outcome.kind] += 1
            alike += outcome.state is not None and same_ahead(mapping, stands, outcome.state) is not None
    assert alike > 50, "of some the month is run on once"
    assert set(kinds) == {*get_args(Kind)}, kinds
