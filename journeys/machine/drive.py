"""The one loop round the machine: feed an input, ask, take the answer, until nothing is left to ask.

Every shell is this generator and somebody who answers: the workflow, the simulator, the forecast, an import, a test. It
yields what is asked (decisions to record, and the one question behind them), is sent the answer, and returns the state
that is reached. It must not know who answers, nor whether anybody waits.

- It may be abandoned at any question: whoever holds the first state keeps it, so to forget the generator undoes it all.
- The state that it returns has no open question. So a state that is stored, sent or shown lies between two inputs.
- The same inputs with the same answers lead to the same state, so what one place carried out another can follow.
"""

from collections.abc import Callable, Generator, Iterable

from journeys.machine.commands import Decide, Question
from journeys.machine.inputs import Answer, Input
from journeys.machine.machine import Asked, Machine, UnansweredQuestion
from journeys.machine.state import State
from journeys.program.program import Program

Drive = Generator[Asked, Answer, State]
"""Yields decisions and a question, is sent the answer, returns the new state."""


def drive(program: Program, state: State, inputs: Iterable[Input]) -> Drive:
    """Work off `inputs` in their order, each of them whole, until they run out or the enrollment ends.

    The next input is taken when everything that the one before led to has been answered, so it may depend on the
    answers. Raises UnansweredQuestion where what is sent answers another question.
    """
    machine = Machine(program, state)
    for given in inputs:
        asked = machine.feed(given)
        while asked is not None:
            asked = machine.feed((yield asked))
        if machine.state.asking is not None:
            raise UnansweredQuestion(f"what was sent does not answer command {machine.state.asking.number}")
        if machine.state.ended:
            break
    return machine.state


def proceed(driving: Drive, answer: Answer | None = None) -> Asked | State:
    """Send the answer to what was asked last (None at first); return what is asked next, or the state reached."""
    try:
        return next(driving) if answer is None else driving.send(answer)
    except StopIteration as end:
        return end.value


def answered(driving: Drive, answer: Callable[[tuple[Decide, ...], Question], Answer]) -> State:
    """Drive to the end, with each question answered at once; return the state that is reached.

    `answer` gets the decisions to record and the question. What it raises is passed on, and the drive is abandoned.
    """
    reached = proceed(driving)
    while not isinstance(reached, State):
        reached = proceed(driving, answer(*reached))
    return reached
