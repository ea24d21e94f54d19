"""Pairs of versions: a journey, what an author may have made of it, and what they say about whoever is under way."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from journeys.changes.layout import layout
from journeys.changes.mapping import Moves
from journeys.changes.outcomes import Choices
from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.program.program import Program

Journey = dict[str, Any]
Steps = list[Any]

TEMPLATES = ("a", "b", "c", "d", "e")
LENGTHS = ("2 hours", "1 day", "3 days", "2 calendar days", "7 days")
EVENTS = ("Paid", "Opened", "Viewed")
GUARDS = ("customer.vip == true", "customer.vip == false", 'customer.events["Opened"].count > 0')


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two versions, as texts and as programs, and the author's moves between them."""

    texts: tuple[str, str]
    old: Program
    new: Program
    moves: Moves


def pair(choose: random.Random) -> Pair:
    """Two versions such as can be published."""
    while True:
        first = journey(choose)
        texts = json.dumps(first), json.dumps(changed(first, choose))
        old, new = map(_compiled, texts)
        if old is not None and new is not None:
            return Pair(texts=texts, old=old, new=new, moves=said(old, new, choose))


def _compiled(text: str) -> Program | None:
    """The program of a journey; None where the edits made none."""
    try:
        return compile_journey(source.read(text)[0])
    except source.InvalidJourney:
        return None


def said(old: Program, new: Program, choose: random.Random) -> Moves:
    """What an author says of two versions: mostly nothing, else of some stages and steps which is which."""
    if choose.random() < 0.6:
        return Moves()
    stages = {str(key): str(choose.choice(sorted(new.stages))) for key in old.stages if choose.random() < 0.4}
    steps: dict[str, str] = {}
    for one, slot in layout(old).items():
        to = stages.get(slot.stage, slot.stage)
        fits = [other for other, there in layout(new).items() if (there.stage, there.verb) == (to, slot.verb)]
        if fits and choose.random() < 0.2:
            steps[one] = choose.choice(fits)
    return Moves(stages=stages, steps=steps)


def choices(choose: random.Random) -> Choices:
    """What an author chooses; nobody is spread, so that what is foreseen is told to the second."""
    return Choices(
        in_flight="pin" if choose.random() < 0.05 else "move",
        on_change=choose.choice(("keep", "rest", "rest", "restart")),
        again=choose.choice(("skip", "send")),
        spread=timedelta(),
    )


# -- a journey ---------------------------------------------------------------------------------------------------------


def journey(choose: random.Random) -> Journey:
    """Three stages with waits, mails, branches and splits, and ways between them."""
    stages: dict[str, Any] = {}
    for key in ("trial", "paying", "gone"):
        stages[key] = {"steps": [_step(choose) for _ in range(choose.randint(4, 9))], "transitions": []}
    stages["trial"]["transitions"] = [
        {"on": "Paid", "to": "paying"},
        choose.choice([{"after": "20 days", "to": "gone"}, {"inactive": "9 days", "of": "Opened", "to": "gone"}]),
    ]
    stages["paying"]["transitions"] = [{"on": "Viewed", "when": "customer.vip == true", "to": "gone"}]
    stages["gone"]["final"] = choose.random() < 0.3
    return {
        "journey": "j", "enter": [{"on": "Signed Up"}], "defaults": {"topic": "general"}, "start": "trial",
        "stages": stages,
    }  # fmt: skip


def _step(choose: random.Random) -> Any:
    kind = choose.random()
    mail, inner = {"send": choose.choice(TEMPLATES)}, [{"wait": choose.choice(LENGTHS)}, _mail(choose)]
    if kind < 0.3:
        return mail
    if kind < 0.7:
        return {"wait": choose.choice(LENGTHS)}
    if kind < 0.83:
        listens = {"event": choose.choice(EVENTS), "up_to": choose.choice(LENGTHS)}
        return {"wait_for": {**listens, "else": inner} if choose.random() < 0.5 else listens}
    if kind < 0.92:
        return {"branch": [{"if": choose.choice(GUARDS), "then": inner}, {"else": [mail]}]}
    two = {"steps": [mail, *inner]} if choose.random() < 0.7 else {"holdout": True}
    variants = {"one": {"weight": 1, "steps": inner}, "two": {"weight": 1, **two}}
    return {"split": {"id": f"split_{choose.randrange(10**6)}", "variants": variants}}


def _mail(choose: random.Random) -> Any:
    return {"send": choose.choice(TEMPLATES)}


# -- what becomes of it ------------------------------------------------------------------------------------------------


def changed(one: Journey, choose: random.Random) -> Journey:
    """The same with one to three edits."""
    made = copy.deepcopy(one)
    for _ in range(choose.randint(1, 3)):
        choose.choice(EDITS)(made, choose)
    return made


def _lists(steps: Steps) -> Iterator[Steps]:
    """A list of steps, and every list that one of them holds."""
    yield steps
    for step in steps:
        arms = [*step.get("branch", ()), *step.get("split", {}).get("variants", {}).values(), step.get("wait_for", {})]
        for arm in arms:
            for name in ("then", "else", "steps"):
                if name in arm:
                    yield from _lists(arm[name])


def _all(made: Journey, verb: str = "") -> Steps:
    """Every step of a verb, wherever it stands."""
    found = [step for stage in made["stages"].values() for some in _lists(stage["steps"]) for step in some]
    return [step for step in found if verb in step or not verb]


def _some(made: Journey, choose: random.Random) -> Steps:
    return choose.choice([some for stage in made["stages"].values() for some in _lists(stage["steps"])])


def _retime(made: Journey, choose: random.Random) -> None:
    nothing: Journey = {"wait": ""}
    step = choose.choice([*_all(made, "wait"), *_all(made, "wait_for"), nothing])
    if "wait" in step:
        step["wait"] = choose.choice(LENGTHS)
    else:
        step["wait_for"]["up_to"] = choose.choice(LENGTHS)


def _insert(made: Journey, choose: random.Random) -> None:
    steps = _some(made, choose)
    steps.insert(choose.randint(0, len(steps)), _step(choose))


def _delete(made: Journey, choose: random.Random) -> None:
    steps = _some(made, choose)
    if len(steps) > 1:
        del steps[choose.randrange(len(steps))]


def _reorder(made: Journey, choose: random.Random) -> None:
    choose.shuffle(_some(made, choose))


def _another_mail(made: Journey, choose: random.Random) -> None:
    choose.choice([*_all(made, "send"), {}])["send"] = choose.choice(TEMPLATES)


def _another_guard(made: Journey, choose: random.Random) -> None:
    """Of a branch, or of a transition, which may have had none."""
    ways = [way for stage in made["stages"].values() for way in stage["transitions"] if "inactive" not in way]
    asked: list[tuple[Journey, str]] = [
        (arm, "if") for step in _all(made, "branch") for arm in step["branch"] if "if" in arm
    ]
    where, name = choose.choice([*asked, *((way, "when") for way in ways)])
    where[name] = choose.choice(GUARDS)


def _another_split(made: Journey, choose: random.Random) -> None:
    """Other weights, a variant more or less, or a winner."""
    splits = [step["split"] for step in _all(made, "split")]
    if not splits:
        return
    split = choose.choice(splits)
    variants = split["variants"]
    what = choose.random()
    if what < 0.3:
        variants["one"]["weight"] = choose.choice((3, 10))
    elif what < 0.6:
        variants["three"] = {"weight": 4, "steps": [_mail(choose)]}
    elif what < 0.8:
        split["winner"] = choose.choice(sorted(variants))
    else:
        variants["three"] = variants.pop("two")


def _another_way(made: Journey, choose: random.Random) -> None:
    _, paying, gone = list(made["stages"])
    made["stages"][made["start"]]["transitions"][1] = choose.choice(
        [
            {"after": choose.choice(("1 day", "5 days")), "to": gone},
            {"inactive": choose.choice(("2 days", "30 days")), "of": "Opened", "to": gone},
            {"when": choose.choice(GUARDS), "to": paying},
        ]
    )


def _another_end(made: Journey, choose: random.Random) -> None:
    stage = choose.choice(sorted(made["stages"]))
    made["stages"][stage]["final"] = not made["stages"][stage].get("final", False)


def _rename_step(made: Journey, choose: random.Random) -> None:
    choose.choice(_all(made))["id"] = f"step_{choose.randrange(10**6)}"


def _rename_stage(made: Journey, choose: random.Random) -> None:
    old = choose.choice(sorted(made["stages"]))
    new = f"{old}_2"
    made["stages"] = {new if key == old else key: stage for key, stage in made["stages"].items()}
    made["start"] = new if made["start"] == old else made["start"]
    _lead(made, {old: new})


def _move_stage(made: Journey, choose: random.Random) -> None:
    """Two stages change places: what led to the one leads to the other, and what led out of it does as well."""
    one, other = choose.sample(sorted(made["stages"]), 2)
    stages = made["stages"]
    stages[one]["transitions"], stages[other]["transitions"] = stages[other]["transitions"], stages[one]["transitions"]
    made["start"] = {one: other, other: one}.get(made["start"], made["start"])
    _lead(made, {one: other, other: one})


def _lead(made: Journey, there: dict[str, str]) -> None:
    for stage in made["stages"].values():
        for way in stage["transitions"]:
            way["to"] = there.get(way["to"], way["to"])


EDITS: tuple[Callable[[Journey, random.Random], None], ...] = (
    _retime, _retime, _insert, _delete, _reorder, _another_mail, _another_guard, _another_split, _another_way,
    _another_end, _rename_step, _rename_stage, _move_stage,
)  # fmt: skip
"""What authors do to a journey; a wait of another length is what they do most."""
