"""Where somebody under way stands in another version, and what that does to them: one row a rule."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from journeys.changes.mapping import BadMoves, Moves, mapping_of
from journeys.changes.outcomes import KEEPS, By, Choices, JourneyPlace, Kind, SentMail, Standing
from journeys.changes.place import AS_CHOSEN, place
from journeys.changes.sentences import warning
from journeys.facts.customer_facts import Aggregate, CustomerFacts, EnrollmentFacts
from journeys.machine.state import OpenQuestion, State
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

Compiled = Callable[[str], Program]

FIRST = """journey: j
enter: [{on: Signed Up}]
start: trial
stages:
  trial:
    steps: [{send: a}, {wait: 3 days}, {send: b}, {wait: 1 day, id: second}, {send: c}]
    transitions: [{on: Paid, to: paying}, {after: 30 days, to: gone}]
  paying: {steps: [{send: thanks}]}
  gone: {}
"""
KNOWN = CustomerFacts(attributes={"plan": "team", "email": "a@example.com"}, aggregates={}, timezone="Europe/Berlin")


@pytest.fixture
def standing(compiled: Compiled, noon: datetime) -> Callable[..., Standing]:
    """Somebody who entered `FIRST` (or another) at noon, so many days ago."""

    def make(text: str = FIRST, *, days: float = 1, known: CustomerFacts = KNOWN, **more: Any) -> Standing:
        facts = PastFacts([RecordedEvent(seq=1, name="Signed Up", at=noon)], dict(known.attributes), known.timezone)
        begun = State(customer="c", enrollment="e", cursor=1)
        state = simulate(compiled(text), begun, facts, noon, noon + timedelta(days=days)).state
        return Standing(state=state, known=known, enrollment=EnrollmentFacts(entered_at=noon), **more)

    return make


OTHER = "journey: j\nenter: [{on: Signed Up}]\nstart: paying\nstages: {paying: {steps: [{send: thanks}]}}"


def changed(pairs: str | Sequence[tuple[str, str]]) -> str:
    """Another version of FIRST: with these texts in place of those, or this whole one."""
    if isinstance(pairs, str):
        return pairs
    text = FIRST
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


WAIT, SECOND = "trial/wait:3 days", "second"
LISTENS = ("{wait: 3 days}", "{id: listen, wait_for: {event: Opened, up_to: 3 days}}")

RULES = [
    ("nothing was changed", 1, (), {}, {}, ("stays", WAIT, "id")),
    ("a step before was taken away", 1, [("{send: a}, ", "")], {}, {}, ("stays", WAIT, "id")),
    ("a step behind was added", 1, [("{send: c}", "{send: c}, {send: d}")], {}, {}, ("stays", WAIT, "id")),
    ("a wait is longer, and counts from where it began", 1, [("3 days", "5 days")], {}, {}, ("retimed", "trial/wait:5 days", "place")),
    ("a wait is gone, and the next mail goes at once", 1, [("{wait: 3 days}, ", "")], {}, {}, ("mails_at_once", "trial/send:b", "skip_forward")),
    ("a wait is so short that it is over", 2, [("3 days", "1 day")], {}, {}, ("mails_at_once", "trial/wait:1 day", "place")),
    ("all that was ahead is gone", 3.5, [(", {wait: 1 day, id: second}, {send: c}", "")], {}, {}, ("rests", None, "skip_forward")),
    ("the stage is gone", 1, [("start: trial", "start: other"), ("  trial:\n", "  other:\n")], {}, {}, ("stranded", WAIT, None)),
    ("its stage has another name", 1, [("start: trial", "start: other"), ("  trial:\n", "  other:\n")], {"stages": {"trial": "other"}}, {}, ("moves", "other/wait:3 days", "id")),
    ("the author says which step it is", 3.5, [("id: second", "id: later")], {"steps": {SECOND: "later"}}, {}, ("moves", "later", "map")),
    ("its stage was named and has none of its steps", 1, OTHER, {"stages": {"trial": "paying"}}, {}, ("mails_at_once", "paying/send:thanks", "stage_start")),
    ("what was sent would be sent again by another step", 3.5, [("{send: c}", "{send: a, id: again}")], {}, {"sent": (SentMail(step="trial/send:a", template="a", at=datetime.fromisoformat("2026-03-02T12:00Z")),)}, ("mails_again", SECOND, "id")),
    ("a step that was sent and stands ahead now is the same step", 3.5, [("{send: a}, ", ""), ("{send: c}", "{send: a}, {send: c}")], {}, {"sent": (SentMail(step="trial/send:a", template="a", at=datetime.fromisoformat("2026-03-02T12:00Z")),)}, ("stays", SECOND, "id")),
    ("the author leads back before a mail that it was sent", 3.5, [("{wait: 3 days}, {send: b}", "{wait: 1 hour}, {send: b}")], {"steps": {SECOND: "trial/wait:1 hour"}}, {"in_ledger": frozenset({("trial/send:b", 1)})}, ("moves", "trial/wait:1 hour", "map")),
    ("a step of an older version is there again, and was sent in this visit", 1, [("{send: c}", "{send: a, id: again}")], {}, {"sent": (SentMail(step="again", template="a", at=datetime.fromisoformat("2026-03-02T12:00Z")),), "in_ledger": frozenset({("again", 1)})}, ("stays", WAIT, "id")),
    ("a transition is due already", 2, [("after: 30 days", "after: 1 day")], {}, {}, ("would_leave", WAIT, "id")),
    ("a transition by guard is true already", 1, [("{on: Paid, to: paying}", '{when: \'customer.plan == "team"\', to: paying}')], {}, {}, ("mails_at_once", WAIT, "id")),
    ("the stage ends the journey now, and it rests there", 9, [("  trial:\n", "  trial:\n    final: true\n")], {}, {}, ("would_leave", None, "id")),
    ("a wait became a wait_for, and the author says so", 1, [LISTENS], {"steps": {WAIT: "listen"}}, {}, ("moves", "listen", "map")),
    ("a step of another verb in its place is another step", 1, [LISTENS], {}, {}, ("mails_at_once", "trial/send:b", "skip_forward")),
    ("a mail of it is on its way", 1, (), {}, {"on_its_way": True}, ("unsettled", WAIT, None)),
    ("it has not begun", 1, [("3 days", "5 days")], {}, {"state": {"phase": "new"}}, ("unsettled", WAIT, None)),
    ("a question of it is open", 1, [("3 days", "5 days")], {}, {"state": {"asking": OpenQuestion(number=9, about="branch")}}, ("unsettled", WAIT, None)),
    ("it is about to act", 1, [("3 days", "5 days")], {}, {"state": {"until": datetime(2026, 3, 3, tzinfo=UTC)}}, ("unsettled", WAIT, None)),
    ("its author pins everybody", 1, [("3 days", "5 days")], {}, {"choices": Choices(in_flight="pin")}, ("pinned", WAIT, None)),
    ("it is over", 1, [("3 days", "5 days")], {}, {"state": {"phase": "ended", "reason": "exited"}}, ("ended", WAIT, None)),
]  # fmt: skip


@pytest.mark.parametrize(("why", "days", "pairs", "moves", "more", "told"), RULES, ids=[one[0] for one in RULES])
def test_what_becomes_of_somebody(
    why: str, days: float, pairs: Any, moves: Any, more: Any, told: Any, compiled: Compiled,
    standing: Callable[..., Standing], noon: datetime,
) -> None:  # fmt: skip
    old, new = compiled(FIRST), compiled(changed(pairs))
    other, choices = more.get("state", {}), more.get("choices", AS_CHOSEN)
    here = standing(days=days, **{name: value for name, value in more.items() if name not in ("state", "choices")})
    stands, now = replace(here, state=replace(here.state, **other)), noon + timedelta(days=days)
    outcome = place(mapping_of(old, new, Moves(**moves)), stands, now, choices)
    assert (outcome.kind, outcome.to.step, outcome.by) == told
    assert (outcome.state is None) == (outcome.kind in KEEPS)


def test_each_outcome_has_a_rule_and_each_way_to_find_a_step() -> None:
    told = [one[-1] for one in RULES]
    assert {kind for kind, *_ in told} == {*get_args(Kind)}
    assert {by for *_, by in told} == {*get_args(By), None}


@pytest.mark.parametrize("again", ["skip", "send"])
def test_a_mail_that_would_go_twice_is_named_whatever_the_author_chooses(
    again: Any, compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old, new = compiled(FIRST), compiled(changed([("{send: c}", "{send: a, id: again}")]))
    sent = SentMail(step="trial/send:a", template="a", at=noon)
    outcome = place(mapping_of(old, new), standing(sent=(sent,)), noon + timedelta(days=1), Choices(again=again))
    assert (outcome.kind, outcome.template, outcome.sent_at) == ("mails_again", "a", noon)
    assert dict(outcome.repeats) == {"again": sent}


@pytest.mark.parametrize(("again", "mails"), [("skip", ("c",)), ("send", ("c", "a"))])
def test_a_mail_that_goes_at_once_is_named_where_another_would_go_twice(
    again: Any, mails: Any, compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    shorter = "{wait: 1 hour, id: second}, {send: c}, {send: a, id: again}"
    old, new = compiled(FIRST), compiled(changed([("{wait: 1 day, id: second}, {send: c}", shorter)]))
    here = standing(days=3.5, sent=(SentMail(step="trial/send:a", template="a", at=noon),))
    outcome = place(mapping_of(old, new), here, noon + timedelta(days=3.5), Choices(again=again))
    assert (outcome.kind, outcome.mails, outcome.change.mails) == ("mails_again", mails, mails)
    said = warning(1, outcome.change)
    assert said is not None
    assert "as soon as they are moved they are mailed 'c'" in said


def test_who_is_paused_is_told_how_their_wait_changes(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old, new = compiled(FIRST), compiled(changed([("3 days", "1 day")]))
    here = standing(days=2)
    paused = replace(here, state=replace(here.state, paused=True))
    outcome = place(mapping_of(old, new), paused, noon + timedelta(days=2))
    assert outcome.kind == "retimed", "nobody is mailed while they are paused"
    assert outcome.acts == (noon + timedelta(days=3), noon + timedelta(days=2))
    assert outcome.state is not None
    assert outcome.state.paused


@pytest.mark.parametrize(
    ("on_change", "days"), [("keep", 3), ("rest", 5), ("restart", 6)]
)  # it began at noon, and is moved a day later
def test_a_wait_of_another_length_ends_as_the_author_chooses(
    on_change: Any, days: int, compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old, new = compiled(FIRST), compiled(changed([("3 days", "5 days")]))
    moved = place(mapping_of(old, new), standing(), noon + timedelta(days=1), Choices(on_change=on_change))
    assert moved.acts == (noon + timedelta(days=3), noon + timedelta(days=days))
    assert moved.state is not None
    assert moved.state.until == noon + timedelta(days=days)


def test_what_becomes_due_by_the_change_is_spread_and_each_keeps_an_instant_of_its_own(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old, new = compiled(FIRST), compiled(changed([("3 days", "1 day")]))
    now, mapping, here = noon + timedelta(days=2), mapping_of(old, new), standing(days=2)

    def acts(enrollment: str) -> datetime:
        at = replace(here, state=replace(here.state, enrollment=enrollment))
        moved = place(mapping, at, now, Choices(spread=timedelta(minutes=10))).state
        assert moved is not None
        assert moved.until is not None
        return moved.until

    instants = [acts(f"e{number}") for number in range(200)]
    assert now <= min(instants) < now + timedelta(minutes=1)
    assert now + timedelta(minutes=9) < max(instants) < now + timedelta(minutes=10)
    assert acts("e1") == acts("e1")


def test_inactivity_counts_from_the_last_event_in_the_new_version_too(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old = compiled(FIRST)
    new = compiled(changed([("{after: 30 days, to: gone}", "{inactive: 10 days, of: Opened, to: gone}")]))
    known = replace(KNOWN, aggregates={"Opened": Aggregate(count=1, first_at=noon, last_at=noon - timedelta(days=2))})
    moved = place(mapping_of(old, new), standing(known=known), noon + timedelta(days=1)).state
    assert moved is not None
    assert [one.at for one in moved.deadlines] == [noon + timedelta(days=8)]


def test_an_after_that_was_declined_stays_declined(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    guarded = "{after: 12 hours, when: customer.vip == true, to: gone}"
    first = FIRST.replace("{after: 30 days, to: gone}", guarded)
    old, new = compiled(first), compiled(first.replace("3 days", "5 days"))
    known = replace(KNOWN, attributes={**KNOWN.attributes, "vip": False})
    outcome = place(mapping_of(old, new), standing(first, known=known), noon + timedelta(days=1))
    assert outcome.state is not None
    assert (outcome.kind, outcome.state.deadlines) == ("retimed", ())


ARMS = """journey: j
enter: [{on: Signed Up}]
start: trial
stages:
  trial:
    steps:
      - branch:
          - {if: customer.plan == "team", then: [{wait: 2 days}, {send: team}]}
          - else: [{send: solo}]
      - {wait: 7 days}
      - {send: all}
"""


def test_who_stands_in_an_arm_that_is_gone_goes_on_behind_the_branch(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    without = ARMS.replace('          - {if: customer.plan == "team", then: [{wait: 2 days}, {send: team}]}\n', "")
    without = without.replace(
        "          - else: [{send: solo}]", '          - {if: customer.plan == "solo", then: [{send: solo}]}'
    )
    old, new = compiled(ARMS), compiled(without)
    outcome = place(mapping_of(old, new), standing(ARMS), noon + timedelta(days=1))
    assert (outcome.kind, outcome.was, outcome.to) == (
        "moves", JourneyPlace(stage="trial", step="trial/wait:2 days"),
        JourneyPlace(stage="trial", step="trial/wait:7 days"),
    )  # fmt: skip


TEAM = '{if: customer.plan == "team", then: [{wait: 2 days}, {send: team}]}'
OTHERS = '{if: customer.plan == "solo", then: [{wait: 2 days}, {send: solo}]}'
BRANCH, SPLIT = "- branch: [%s]", "- split: {id: s, variants: {%s}}"
BEHIND = ARMS[: ARMS.index("      - branch")] + "      %s\n      - {wait: 7 days}\n      - {send: all}\n"
STANDS = "trial/wait:2 days"


@pytest.mark.parametrize(
    ("why", "before", "after", "lands"),
    [
        ("its arm is gone, and another has a step of that name", BRANCH % f"{TEAM}, {OTHERS}", BRANCH % OTHERS, "trial/wait:7 days"),
        ("its arm stands elsewhere", BRANCH % f"{TEAM}, {OTHERS}", BRANCH % f"{OTHERS}, {TEAM}", f"{STANDS}#2"),
        ("its arm asks another guard", BRANCH % TEAM, BRANCH % TEAM.replace("team", "teams"), STANDS),
        ("it was in no arm", "- {wait: 2 days}", BRANCH % OTHERS, "trial/wait:7 days"),
        ("it is in no arm any more", BRANCH % TEAM, "- {wait: 2 days}", STANDS),
        ("its variant is gone, and another has a step of that name", SPLIT % "a: {weight: 1, steps: [{wait: 2 days}]}", SPLIT % "b: {weight: 1, steps: [{wait: 2 days}]}", "trial/wait:7 days"),
        ("its variant has another weight", SPLIT % "a: {weight: 1, steps: [{wait: 2 days}]}, b: {weight: 0, steps: []}", SPLIT % "a: {weight: 1, steps: [{wait: 2 days}]}, b: {weight: 9, steps: []}", STANDS),
        ("it has an id of its own, which says where it went", BRANCH % f"{TEAM.replace('{wait', '{id: own, wait')}, {OTHERS}", BRANCH % OTHERS.replace("{wait", "{id: own, wait"), "own"),
    ],
)  # fmt: skip
def test_nobody_is_led_into_an_arm_that_they_did_not_take(
    why: str, before: str, after: str, lands: str, compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    old, new, here = compiled(BEHIND % before), compiled(BEHIND % after), standing(BEHIND % before)
    assert here.state.position in (STANDS, "own")
    assert place(mapping_of(old, new), here, noon + timedelta(days=1)).to.step == lands


@pytest.mark.parametrize(("days", "lands"), [(1, ("retimed", STANDS)), (6, ("moves", f"{STANDS}#2"))])
def test_a_wait_that_comes_to_the_name_of_another_in_an_arm_is_known_by_its_neighbours(
    days: float, lands: Any, compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    """As where the length of a wait is taken back: nobody's mail goes at once by it, and nobody goes back out of an arm."""
    before = BEHIND % f"- {{wait: 5 days}}\n      - {{send: story}}\n      {BRANCH % TEAM}"
    after = before.replace("5 days", "2 days")
    outcome = place(
        mapping_of(compiled(before), compiled(after)), standing(before, days=days), noon + timedelta(days=days)
    )
    assert (outcome.kind, outcome.to.step) == lands


def test_a_split_may_lose_the_variant_that_somebody_stands_in(
    compiled: Compiled, standing: Callable[..., Standing], noon: datetime
) -> None:
    split = ARMS[: ARMS.index("      - branch")] + (
        "      - split: {id: s, variants: {one: {weight: 1, steps: [{wait: 2 days}, {send: x}]}, two: {weight: 1, steps: [{send: y}]}}}\n"
        "      - {wait: 7 days}\n"
    )
    old, stood = compiled(split), standing(split)
    assert stood.state.position in ("trial/wait:2 days", "trial/wait:7 days")
    new = compiled(ARMS)
    outcome = place(mapping_of(old, new), stood, noon + timedelta(days=1))
    assert outcome.to == JourneyPlace(stage="trial", step="trial/wait:7 days")


@pytest.mark.parametrize(
    ("moves", "code", "told"),
    [
        ({"stages": {"trail": "paying"}}, "unknown_stage", "the old version has no stage 'trail'; expected 'trial'"),
        ({"stages": {"trial": "payng"}}, "unknown_stage", "the new version has no stage 'payng'; expected 'paying'"),
        ({"steps": {"second": "secnd"}}, "unknown_step", "the new version has no step 'secnd'; expected 'second'"),
        ({"steps": {"second": "paying/send:thanks"}}, "other_stage", "is in stage 'paying'"),
        ({"steps": {"second": "trial/send:c"}}, "other_verb", "'second' is a wait, 'trial/send:c' a send"),
        ({"steps": {"trail/wait": "second"}}, "unknown_step", "the old version has no step 'trail/wait'"),
    ],
)
def test_moves_that_do_not_fit_are_told(moves: Any, code: str, told: str, compiled: Compiled) -> None:
    program = compiled(FIRST)
    with pytest.raises(BadMoves) as raised:
        mapping_of(program, program, Moves(**moves))
    assert raised.value.problems[0].code == code
    assert told in raised.value.problems[0].message
