"""Pairs of versions: a journey, and what an author may have made of it."""

import copy
import random
from collections.abc import Callable
from typing import Any

Journey = dict[str, Any]
Steps = list[Any]

TEMPLATES = ("a", "b", "c", "d", "e")
LENGTHS = ("2 hours", "1 day", "3 days", "2 calendar days", "7 days")
EVENTS = ("Paid", "Opened", "Viewed")


def journey(choose: random.Random) -> Journey:
    """Three stages with waits, mails, branches and splits, and ways between them."""
    stages: dict[str, Any] = {}
    for key in ("trial", "paying", "gone"):
        stages[key] = {"steps": _steps(choose, choose.randint(4, 9)), "transitions": []}
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


def changed(one: Journey, choose: random.Random) -> Journey:
    """The same with one to three edits."""
    made = copy.deepcopy(one)
    for _ in range(choose.randint(1, 3)):
        choose.choice(EDITS)(made, choose)
    return made


def _steps(choose: random.Random, count: int) -> Steps:
    return [_step(choose) for _ in range(count)]


def _step(choose: random.Random) -> Any:
    kind = choose.random()
    if kind < 0.3:
        return {"send": choose.choice(TEMPLATES)}
    if kind < 0.75:
        return {"wait": choose.choice(LENGTHS)}
    if kind < 0.85:
        return {"wait_for": {"event": choose.choice(EVENTS), "up_to": choose.choice(LENGTHS)}}
    inner = [{"wait": choose.choice(LENGTHS)}, {"send": choose.choice(TEMPLATES)}]
    return {"branch": [{"if": "customer.vip == true", "then": inner}, {"else": [{"send": choose.choice(TEMPLATES)}]}]}


def _some(made: Journey, choose: random.Random) -> Steps:
    return choose.choice([stage["steps"] for stage in made["stages"].values()])


def _retime(made: Journey, choose: random.Random) -> None:
    waits = [step for stage in made["stages"].values() for step in stage["steps"] if "wait" in step]
    if waits:
        choose.choice(waits)["wait"] = choose.choice(LENGTHS)


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
    mails = [step for stage in made["stages"].values() for step in stage["steps"] if "send" in step]
    if mails:
        choose.choice(mails)["send"] = choose.choice(TEMPLATES)


def _another_way(made: Journey, choose: random.Random) -> None:
    paying, gone = list(made["stages"])[1:3]
    made["stages"][made["start"]]["transitions"][1] = choose.choice(
        [
            {"after": choose.choice(("1 day", "5 days")), "to": gone},
            {"inactive": choose.choice(("2 days", "30 days")), "of": "Opened", "to": gone},
            {"when": "customer.vip == true", "to": paying},
        ]
    )


def _rename_stage(made: Journey, choose: random.Random) -> None:
    old = choose.choice(sorted(made["stages"]))
    new = f"{old}_2"
    if new in made["stages"]:
        return
    made["stages"] = {new if key == old else key: stage for key, stage in made["stages"].items()}
    made["start"] = new if made["start"] == old else made["start"]
    for stage in made["stages"].values():
        for way in stage["transitions"]:
            way["to"] = new if way["to"] == old else way["to"]


EDITS: tuple[Callable[[Journey, random.Random], None], ...] = (
    _retime, _insert, _delete, _reorder, _another_mail, _another_way, _rename_stage,
)  # fmt: skip
"""What authors do to a journey."""
