"""What a plan says of somebody is what the core then does to them: random pairs of versions, random states.

`make test-deep` tries more of them.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from journeys.changes.mapping import mapping_of
from journeys.changes.outcomes import KEEPS, Choices, Kind, SentMail, Standing
from journeys.changes.place import place
from journeys.checks import source
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.drive import answered, drive, in_turn
from journeys.machine.inputs import Migrated, Woke
from journeys.machine.state import State
from journeys.machine.woken import STATE
from journeys.program.compiler import compile_journey
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, Simulator, Trace, everything_goes, simulate
from tests.planning import versions

PAIRS, STATES = (500, 20) if "WAYPOST_DEEP" in os.environ else (60, 10)
AT_ONCE = Choices(spread=timedelta())


def compiled(one: versions.Journey) -> Program | None:
    """The program of a journey; None where the edits made none."""
    try:
        return compile_journey(source.read(json.dumps(one))[0])
    except source.InvalidJourney:
        return None


def standing(program: Program, choose: random.Random, noon: datetime) -> tuple[Standing, PastFacts, datetime]:
    """Somebody who has been under way for up to three weeks, with what they did and were sent."""
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
    sent = tuple(SentMail(step=one.plan.step, template=one.template, at=one.plan.at) for one in trace.mails)
    return Standing(state=trace.state, known=known, enrollment=EnrollmentFacts(entered_at=noon), sent=sent), past, now


def what_happens(
    program: Program, state: State, past: PastFacts, now: datetime, until: datetime
) -> tuple[Sequence[tuple[datetime, str]], State]:
    """The mails from now on, as the simulator (the production core) sends them."""
    trace = Trace(state=state)
    shell = Simulator(program, past, EnrollmentFacts(entered_at=state.entered_at), everything_goes, trace)
    state = answered(drive(program, state, in_turn([Migrated(at=now)])), shell)
    for _ in range(40):
        if state.wakes_at is None or state.wakes_at > until:
            break
        state = answered(drive(program, state, in_turn([Woke(at=max(state.wakes_at, now), seq=state.cursor)])), shell)
    return [(one.plan.at, one.template) for one in trace.mails], state


@pytest.mark.parametrize("seed", range(PAIRS))
def test_what_is_foreseen_is_what_happens(seed: int, noon: datetime) -> None:
    choose = random.Random(seed)
    written = versions.journey(choose)
    old, new = compiled(written), compiled(versions.changed(written, choose))
    if old is None or new is None:
        return
    mapping, kinds = mapping_of(old, new), Counter[str]()
    for _ in range(STATES):
        stands, past, now = standing(old, choose, noon)
        outcome = place(mapping, stands, now, AT_ONCE)
        kinds[outcome.kind] += 1
        assert (outcome.state is None) == (outcome.kind in KEEPS)
        if outcome.state is None:
            continue
        check_the_state(new, outcome.state)
        mails, reached = what_happens(new, outcome.state, past, now, now)
        sent_now = [template for _, template in mails]
        if outcome.kind == "mails_at_once":
            assert sent_now[0] == outcome.template
        elif outcome.kind in ("stays", "retimed", "rests"):
            assert sent_now == [], "nobody is mailed whom the plan did not name"
        if outcome.kind == "would_leave":
            assert reached.ended or reached.visit > outcome.state.visit
        if outcome.kind == "stays":
            assert outcome.acts[0] == outcome.acts[1] == outcome.state.wakes_at
    assert kinds.total() == STATES
    assert set(kinds) <= set(get_args(Kind))


def check_the_state(program: Program, state: State) -> None:
    """It stands in the program, and survives its way through the database."""
    stage: Any = program.stages.get(state.stage)  # type: ignore[call-overload]
    assert stage is not None
    assert state.position is None or state.position in program.nodes
    assert all(one.transition < len(stage.transitions) for one in state.deadlines)
    assert STATE.validate_python(STATE.dump_python(state, mode="json", exclude_defaults=True)) == state


def test_the_pairs_meet_every_kind(noon: datetime) -> None:
    """Otherwise the test above proves less than it says."""
    kinds = Counter[str]()
    for seed in range(120):
        choose = random.Random(seed)
        written = versions.journey(choose)
        old, new = compiled(written), compiled(versions.changed(written, choose))
        if old is None or new is None:
            continue
        for _ in range(10):
            stands, _, now = standing(old, choose, noon)
            kinds[place(mapping_of(old, new), stands, now, AT_ONCE).kind] += 1
    wanted = {"stays", "retimed", "moves", "rests", "stranded", "mails_again", "mails_at_once", "would_leave", "ended"}
    assert wanted - set(kinds) == set(), kinds
