"""Whether the hours in which a mail may go ever meet: its send window, and what quiet hours leave of the day."""

from collections.abc import Iterator

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem
from journeys.language.step_tree import all_steps
from journeys.language.verbs import SendStep
from journeys.program.compiler import window_of
from journeys.program.send_terms import GENERAL


def problems(
    journey: Definition, awake: Window | None, transactional_topics: frozenset[str]
) -> Iterator[DefinitionProblem]:
    """Mails that could never go. `awake` is what quiet hours leave; mail of transactional topics goes at any hour."""
    for path, step in all_steps(journey):
        if awake is None or not isinstance(step, SendStep):
            continue
        window = window_of(step.send, journey.defaults)
        topic = step.send.topic or journey.defaults.topic or GENERAL
        if window is None or topic in transactional_topics or calendar.meet(window, awake):
            continue
        yield DefinitionProblem(
            code="no_common_hour",
            message=clash(window, awake),
            path=(*path, "send", "send_window") if step.send.send_window else (*path, "send"),
            expected="a window that is open at some hour outside of quiet hours, or `send_window: any`",
        )


def clash(window: Window, awake: Window) -> str:
    """Why a mail with this window could never go, as a sentence."""
    left = calendar.written(awake)
    return f"this mail could never go: its send window is {calendar.written(window)}, and quiet hours leave {left}"
