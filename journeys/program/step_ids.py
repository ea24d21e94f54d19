"""The ids of steps: what each is called for as long as its journey is edited.

A step's id is its `id`, else `stage/verb:name`, with `#2`, `#3` for its further occurrences; never its position.
"""

from typing import assert_never

from journeys.language import definition as source
from journeys.language import step_tree, verbs


def name_steps(journey: source.Definition) -> dict[int, str]:
    """The id of every step, keyed by the identity of the step's object."""
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for key, stage in journey.stages.items():
        for _, step in step_tree.steps_of(stage.steps):
            if step.id is not None:
                names[id(step)] = step.id
                continue
            name = f"{key}/{_title(step)}"
            seen[name] = seen.get(name, 0) + 1
            names[id(step)] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names


def in_words(step: str) -> str:
    """A step as a person reads it: `lapsed/send:win_back_offer` is `send win back offer`; its own `id` says itself."""
    return (step.partition("/")[2] or step).replace(":", " ", 1).replace("_", " ")


def _title(step: verbs.Step) -> str:  # noqa: C901 - a case per verb
    match step:
        case verbs.SendStep():
            return f"send:{step.send.template}"
        case verbs.WaitForStep():
            return f"wait_for:{step.wait_for.event or 'guard'}"
        case verbs.SplitStep():
            return f"split:{step.split.id}"
        case verbs.GoStep():
            return f"go:{step.go}"
        case verbs.WaitStep():
            return f"wait:{step.wait if isinstance(step.wait, str) else step.wait.until}"
        case verbs.EnrollStep():
            return f"enroll:{step.enroll.journey}"
        case verbs.BranchStep():
            return "branch"
        case verbs.SetStep():
            return "set"
        case verbs.WebhookStep():
            return "webhook"
        case verbs.NotifyStep():
            return "notify"
        case verbs.ExitStep():
            return "exit"
        case _:
            assert_never(step)
