"""Steps: what each verb does when its turn comes, and how its wait ends."""

from datetime import datetime, timedelta
from typing import Any, assert_never

from journeys.facts.calendar import LocalTime, Span
from journeys.facts.guards import PROFILE_EVENTS
from journeys.machine import inputs
from journeys.machine.commands import Assign, Plan
from journeys.machine.stages import Stages, first_holding, guards_of, until_certain
from journeys.program.assignment import variant_of_engine_1
from journeys.program.nodes import (
    BranchArm,
    BranchNode,
    DateOf,
    EnrollNode,
    ExitNode,
    GoNode,
    NotifyNode,
    SendNode,
    SetNode,
    SplitNode,
    SplitVariant,
    WaitForNode,
    WaitNode,
    WebhookNode,
    is_heard,
)
from journeys.program.program import When

MOMENT = timedelta(minutes=1)
"""A mail planned later than this (after a downtime) starts the waits behind it anew; less is only our own slowness."""


class Steps(Stages):
    """What a step does with a customer."""

    def _step(self) -> None:  # noqa: C901 - a case per verb
        node = self._node
        match node:
            case SendNode():
                self._plan(node)
            case WaitNode(how=how):
                self._wait(node, how)
            case WaitForNode():
                self._wait_for(node)
            case BranchNode():
                self._branch(node)
            case SplitNode():
                self._split(node)
            case SetNode():
                self._attributes_set(node)
            case WebhookNode():
                self._decide("called", method=node.method)
                self._go_on(node.next)
            case NotifyNode():
                self._decide("notified", by="email" if node.email else "webhook")
                self._go_on(node.next)
            case EnrollNode():
                self._decide("enrolling", journey=node.journey)
                self._go_on(node.next)
            case GoNode():
                self._move(node.stage, "go")
            case ExitNode():
                self._end(node.reason, cause="step")
            case _:
                assert_never(node)

    # -- send ----------------------------------------------------------------------------------------------------------

    def _plan(self, node: SendNode) -> None:
        state = self.state
        self.question = Plan(
            number=self._open("plan"),
            at=self._clock,
            seq=state.cursor,
            stage=state.stage,
            visit=state.visit,
            step=node.id,
            due=state.due or self._clock,
            ready=self._clock if state.awaits else None,
        )

    def _planned(self, answer: inputs.Planned) -> None:
        node = self._node
        late = answer.at - self._clock > MOMENT
        self._set(due=None, awaits=None, clock=answer.at if late else self._clock)
        if answer.outcome == "deferred":
            self._set(mode="wait", until=answer.until, due=answer.due, awaits=answer.awaits)
        else:
            self._go_on(node.next)

    # -- waits ---------------------------------------------------------------------------------------------------------

    def _wait_for(self, node: WaitForNode) -> None:
        """A guard alone may be true already."""
        if node.event is None and node.guard is not None:
            self._ask("wait_for", "what is waited for", guards=(node.guard,))
        else:
            self._wait(node, node.up_to)

    def _wait_for_answered(self, holds: bool) -> None:
        node = self._node
        assert isinstance(node, WaitForNode)
        if holds:
            self._decide("matched", why="already so")
            self._go_on(node.then)
        else:
            self._wait(node, node.up_to)

    def _wait(self, node: WaitNode | WaitForNode, how: Span | LocalTime | DateOf | None) -> None:
        if how is None:
            self._waits_until(None)
        elif isinstance(how, Span) and not how.needs_zone:
            self._waits_until(self._clock + how.elapsed)
        else:
            self._ask(
                "wait", f"the date in {how.attribute}" if isinstance(how, DateOf) else "the local time", until=node.id
            )

    def _wait_answered(self, facts: inputs.Facts) -> None:
        """A date that nobody can tell is not now: it has a way of its own, or is waited for."""
        node = self._node
        if facts.unknown is None or not isinstance(node, WaitNode) or not isinstance(node.how, DateOf):
            return self._waits_until(facts.until)
        took = "else" if node.otherwise else "waits"
        self._decide("date_unknown", reason=facts.unknown, attribute=node.how.attribute, took=took)
        return self._go_on(node.otherwise) if node.otherwise else self._waits_until(None)

    def _waits_until(self, until: datetime | None) -> None:
        self._set(mode="wait", until=until, due=None, waits_from=self.state.turn)

    def _wait_over(self) -> None:
        node = self._node
        if isinstance(node, SendNode):
            self._set(mode="run", until=None)
        elif isinstance(node, WaitForNode):
            self._decide("timed_out", event=node.event)
            self._go_on(node.otherwise)
        else:
            self._go_on(node.next)

    def _skip(self, at: datetime) -> None:
        node = self._node
        self._decide("step_skipped", at=at)
        self._reach(at)
        self._set(turn=at, due=None, awaits=None)
        self._go_on(node.next)

    # -- set -----------------------------------------------------------------------------------------------------------

    def _attributes_set(self, node: SetNode) -> None:
        """What was set may turn a transition's guard true."""
        computed: dict[str, Any] = {"computed": dict(node.computed)} if node.computed else {}
        self._decide("attributes_set", attributes=dict(node.attributes), seq=self.state.cursor, **computed)
        self._go_on(node.next)
        reads = [one.cause.reads for one in self._stage.by_guard if isinstance(one.cause, When)]
        if not self.state.ended and any(is_heard(one, name) for one in reads for name in PROFILE_EVENTS):
            self._ask_by_guard("changed", "the attributes that were set")

    # -- branch and split ----------------------------------------------------------------------------------------------

    def _branch(self, node: BranchNode) -> None:
        arms = until_certain(node.arms)
        if guards := guards_of(arms):
            self._ask("branch", "the branch", guards=guards)
        else:
            self._branched(node, arms[0])

    def _branch_answered(self, holds: tuple[bool, ...]) -> None:
        node = self._node
        assert isinstance(node, BranchNode)
        self._branched(node, first_holding(until_certain(node.arms), holds))

    def _branched(self, node: BranchNode, arm: BranchArm | None) -> None:
        guard = self.program.guards[arm.guard] if arm and arm.guard else None
        self._decide("branched", took=guard or ("else" if arm else "no arm"))
        self._go_on(arm.target if arm else node.next)

    def _split(self, node: SplitNode) -> None:
        state = self.state
        if state.engine == 1:
            return self._given(node, variant_of_engine_1(state.customer, self.program.journey, node.key, node.variants))
        self.question = Assign(
            number=self._open("split"),
            at=self._clock,
            stage=state.stage,
            visit=state.visit,
            step=node.id,
            split=node.key,
            customer=state.customer,
        )
        return None

    def _assigned(self, answer: inputs.Assigned) -> None:
        """Whoever has a variant that is gone goes on behind the split, never into another one."""
        node = self._node
        assert isinstance(node, SplitNode)
        chosen = next((one for one in node.variants if one.name == answer.variant), None)
        if chosen is None:
            self._decide("variant_gone", variant=answer.variant, split=node.key)
            self._go_on(node.next)
        else:
            self._given(node, chosen, **({"why": answer.why} if answer.why != "new" else {}))

    def _given(self, node: SplitNode, chosen: SplitVariant, **detail: Any) -> None:
        self._decide("held_out" if chosen.holdout else "assigned", variant=chosen.name, split=node.key, **detail)
        self._go_on(node.next if chosen.holdout else chosen.target)
