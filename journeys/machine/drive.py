"""The one loop round the machine: ask what comes next, feed it, take the answers, until nothing is left to do.

Every shell is this generator and somebody who answers: the wake of an enrollment, the simulator, the forecast, an
import, a test. It yields what was decided and what is asked, is sent the answer, and returns the state that is reached.
It must not know who answers, nor whether anybody waits.

- It may be abandoned at any question: whoever holds the first state keeps it, so to forget the generator undoes it all.
- The state that it returns has no open question. So a state that is stored, sent or shown lies between two inputs.
- The same inputs with the same answers lead to the same state, so what one place carried out another can `follow`.
"""

from collections.abc import Callable, Generator, Iterable, Sequence

from journeys.machine.commands import Decide, Question
from journeys.machine.inputs import Answer, Input
from journeys.machine.machine import Asked, Machine, UnansweredQuestion
from journeys.machine.state import State
from journeys.program.program import Program

Drive = Generator[Asked, Answer | None, State]

Following = Callable[[State], Input | None]
"""What comes next in a state, None where nothing does. The state is the machine's own and changes under way."""


def drive(program: Program, state: State, following: Following) -> Drive:
    """Work off what comes next, each input whole, until nothing does or the enrollment has ended.

    What is yielded without a question wants no answer. Raises UnansweredQuestion where what is sent answers another
    question.
    """
    machine = Machine(program, state)
    while not machine.state.ended and (given := following(machine.state)) is not None:
        asked = machine.feed(given)
        while asked is not None:
            answer = yield asked
            asked = machine.feed(answer) if answer is not None else None
        if machine.state.asking is not None:
            raise UnansweredQuestion(f"what was sent does not answer command {machine.state.asking.number}")
    return machine.state


def in_turn(inputs: Iterable[Input]) -> Following:
    """These inputs, whatever state they lead to."""
    left = iter(inputs)
    return lambda state: next(left, None)


def follow(program: Program, state: State, inputs: Sequence[Input], answers: Sequence[Answer]) -> State:
    """Go the way that was gone elsewhere. Raises UnansweredQuestion where another question comes up on it."""
    left = iter(answers)

    def answer(decisions: Sequence[Decide], question: Question | None) -> Answer | None:
        return next(left, None) if question is not None else None

    reached = answered(drive(program, state, in_turn(inputs)), answer)
    if next(left, None) is not None:
        raise UnansweredQuestion("an answer is left over that nothing asked for")
    return reached


def proceed(driving: Drive, answer: Answer | None = None) -> Asked | State:
    """Send the answer to what was asked last (None at first); return what is asked next, or the state reached."""
    try:
        return driving.send(answer)
    except StopIteration as end:
        return end.value


def answered(driving: Drive, answer: Callable[[tuple[Decide, ...], Question | None], Answer | None]) -> State:
    """Drive to the end, with each question answered at once; return the state that is reached.

    `answer` gets the decisions to record and the question, None where nothing is asked. What it raises is passed on,
    and the drive is abandoned.
    """
    reached = proceed(driving)
    while not isinstance(reached, State):
        reached = proceed(driving, answer(*reached))
    return reached
