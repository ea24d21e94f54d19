"""A state on its way: what every part of the machine needs to change it and to ask for things.

The copy of the state in here is nobody else's until `advance` returns it, so it is changed in place.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from journeys.machine import commands, inputs
from journeys.machine.commands import Ask, Decide, Question
from journeys.machine.state import About, Deadline, OpenQuestion, State
from journeys.program.nodes import Node, NodeId, StageKey
from journeys.program.program import Program, ProgramStage


class Walk:
    """The state so far, the decisions collected on the way, and the question they led to."""

    def __init__(self, program: Program, state: State) -> None:
        self.program = program
        self.state = state.copy()
        self.decisions: list[Decide] = []
        self.question: Question | None = None

    # -- where it stands -----------------------------------------------------------------------------------------------

    @property
    def _clock(self) -> datetime:
        assert self.state.clock is not None
        return self.state.clock

    @property
    def _horizon(self) -> datetime:
        assert self.state.horizon is not None
        return self.state.horizon

    @property
    def _stage(self) -> ProgramStage:
        return self.program.stages[StageKey(self.state.stage)]

    @property
    def _node(self) -> Node:
        assert self.state.position is not None
        return self.program.nodes[NodeId(self.state.position)]

    def _waiting_in(self) -> Node | None:
        return self._node if self.state.mode == "wait" else None

    # -- changing it ---------------------------------------------------------------------------------------------------

    def _set(self, **changes: Any) -> None:
        """Change our own copy of the state, which nobody else sees before `advance` returns it."""
        for name, value in changes.items():
            object.__setattr__(self.state, name, value)

    def _reach(self, at: datetime) -> None:
        """Time has come to `at`; where it has passed since the last time, nothing turns round on the spot."""
        if at > self._clock:
            self._set(clock=at, strides=0)
        self._set(horizon=max(self._horizon, at))

    def _decide(self, what: str, at: datetime | None = None, **detail: Any) -> None:
        assert what in commands.DECISIONS, what
        number = self.state.number + 1
        state = self.state
        self._set(number=number)
        self.decisions.append(
            Decide(
                number=number,
                at=at or self._clock,
                what=what,
                stage=state.stage,
                visit=state.visit,
                step=state.position,
                detail=detail,
            )
        )

    # -- asking --------------------------------------------------------------------------------------------------------

    def _open(self, about: About, *, event: inputs.EventArrived | None = None, deadline: Deadline | None = None) -> int:
        """Open a question; return its number."""
        number = self.state.number + 1
        self._set(number=number, asking=OpenQuestion(number=number, about=about, event=event, deadline=deadline))
        return number

    def _ask(
        self,
        about: About,
        why: str,
        *,
        guards: Sequence[str] = (),
        last: Sequence[str] = (),
        until: str | None = None,
        event: inputs.EventArrived | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self.question = Ask(
            number=self._open(about, event=event, deadline=deadline),
            at=self._clock,
            seq=self.state.cursor,
            why=why,
            stage=self.state.stage,
            visit=self.state.visit,
            step=self.state.position,
            guards=tuple(guards),
            last=tuple(last),
            until=until,
            event=event.seq if event else None,
        )
