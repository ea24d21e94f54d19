"""A definition into a program."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, assert_never

from journeys.facts import calendar, guards
from journeys.facts.calendar import LocalTime, Span, Window
from journeys.language import definition as source
from journeys.language import expressions, verbs
from journeys.language.experiments import WinnerRule
from journeys.program.nodes import (
    BranchArm,
    BranchNode,
    DateOf,
    DecideRule,
    EnrollNode,
    ExitNode,
    GoNode,
    GuardId,
    Node,
    NodeId,
    NotifyNode,
    SendNode,
    SetNode,
    SplitNode,
    SplitVariant,
    StageKey,
    WaitForNode,
    WaitNode,
    WebhookNode,
)
from journeys.program.program import (
    DATE_REACHED,
    SEGMENT_JOINED,
    After,
    DateTrigger,
    Digest,
    EventTrigger,
    Inactive,
    OnEvent,
    Program,
    ProgramGoal,
    ProgramStage,
    ProgramTransition,
    ScheduleTrigger,
    When,
)
from journeys.program.send_terms import GENERAL, SendTerms
from journeys.program.step_ids import name_steps


def compile_journey(journey: source.Definition) -> Program:
    """Turn a valid definition into its program."""
    return _Compiler(journey).program()


@lru_cache(maxsize=512)
def load(canonical: str) -> Program:
    """The program of a canonical definition, compiled once per process."""
    return compile_journey(source.Definition.model_validate_json(canonical))


class _Compiler:
    """Lays steps out as nodes, from the last to the first, so that each knows where it goes next."""

    def __init__(self, journey: source.Definition) -> None:
        self.journey = journey
        self.nodes: dict[NodeId, Node] = {}
        self.guards: dict[GuardId, str] = {}
        self.variants: dict[NodeId, str] = {}
        self.ids = name_steps(journey)
        self.mailable = True

    def program(self) -> Program:
        journey = self.journey
        stages = {StageKey(key): self._stage(StageKey(key), stage) for key, stage in journey.stages.items()}
        return Program(
            journey=journey.journey,
            digest=Digest(journey.digest()),
            timezone=journey.timezone,
            reentry=_reentry(journey.reentry),
            key=journey.key,
            priority=journey.priority,
            goal=self._goal(journey.goal),
            dates=tuple(_date(name, one) for name, one in self._named_triggers() if one.date),
            schedules=tuple(self._schedule(name, one) for name, one in self._named_triggers() if one.schedule),
            start=StageKey(journey.start),
            triggers=tuple(self._trigger(name, one) for name, one in self._named_triggers() if not one.schedule),
            exits=tuple(
                EventTrigger(event=one.on, guard=self._guard(f"exit[{index}]", one.when))
                for index, one in enumerate(journey.exit)
            ),
            stages=stages,
            nodes=self.nodes,
            guards=self.guards,
            templates_are_pinned=journey.templates == "pinned",
            variants=self.variants,
        )

    def _named_triggers(self) -> list[tuple[str, source.Trigger]]:
        return [(f"enter[{index}]", one) for index, one in enumerate(self.journey.enter)]

    def _trigger(self, name: str, one: source.Trigger) -> EventTrigger:
        """Joining a segment and reaching a date are events too, so that one mechanism lets everybody in."""
        if one.on is not None:
            return EventTrigger(event=one.on, guard=self._guard(name, one.when))
        if one.segment is not None:
            guard = self._guard(name, one.when)
            return EventTrigger(event=SEGMENT_JOINED, guard=guard, given={"segment": one.segment})
        own = f"{self.journey.journey}/{name}"
        return EventTrigger(event=DATE_REACHED, guard=self._guard(name, one.when), given={"trigger": own})

    def _schedule(self, name: str, one: source.Trigger) -> ScheduleTrigger:
        assert one.schedule is not None
        assert one.segment is not None
        return ScheduleTrigger(
            name=name,
            segment=one.segment,
            time=LocalTime(
                at=calendar.parse_time(one.schedule.at), days=calendar.parse_days(one.schedule.on or "mon-sun")
            ),
            day=one.schedule.day,
            timezone=one.schedule.timezone or self.journey.timezone,
            guard=self._guard(name, one.when),
        )

    def _goal(self, goal: source.Goal | None) -> ProgramGoal | None:
        if goal is None:
            return None
        return ProgramGoal(event=goal.on, guard=self._guard("goal", goal.when), within=calendar.parse_span(goal.within))

    def _stage(self, key: StageKey, stage: source.Stage) -> ProgramStage:
        transitions = tuple(self._transition(key, index, one) for index, one in enumerate(stage.transitions))
        self.mailable = stage.mailable
        first = self._steps(stage.steps, None)
        return ProgramStage(key=key, first=first, transitions=transitions, final=stage.final, mailable=stage.mailable)

    def _transition(self, stage: StageKey, index: int, one: source.Transition) -> ProgramTransition:
        guard = self._guard(f"{stage}/transition[{index}]", one.when)
        return ProgramTransition(cause=_cause(one), guard=guard, to=StageKey(one.to))

    def _steps(self, steps: Sequence[verbs.Step], after: NodeId | None) -> NodeId | None:
        for step in reversed(steps):
            node = self._node(NodeId(self.ids[id(step)]), step, after)
            self.nodes[node.id] = node
            after = node.id
        return after

    def _node(self, node: NodeId, step: verbs.Step, after: NodeId | None) -> Node:  # noqa: C901 - a case per verb
        match step:
            case verbs.SendStep():
                return self._send(node, step.send, after)
            case verbs.WaitStep():
                return self._wait(node, step.wait, after)
            case verbs.WaitForStep():
                return self._wait_for(node, step.wait_for, after)
            case verbs.BranchStep():
                arms = tuple(self._arm(node, index, case, after) for index, case in enumerate(step.branch))
                return BranchNode(id=node, arms=arms, next=after)
            case verbs.SplitStep():
                return self._split(node, step.split, after)
            case verbs.SetStep():
                given, computed = expressions.parted(step.set)
                return SetNode(id=node, attributes=given, next=after, computed=computed)
            case verbs.WebhookStep():
                hook = step.webhook
                return WebhookNode(
                    id=node, url=hook.url, method=hook.method, headers=hook.headers, body=hook.body, next=after
                )
            case verbs.NotifyStep():
                note = step.notify
                return NotifyNode(
                    id=node, email=note.email, url=note.url, subject=note.subject, text=note.text, next=after
                )
            case verbs.EnrollStep():
                return EnrollNode(id=node, journey=step.enroll.journey, data=step.enroll.data, next=after)
            case verbs.GoStep():
                return GoNode(id=node, stage=StageKey(step.go))
            case verbs.ExitStep():
                return ExitNode(id=node, reason="exited" if step.exit is True else step.exit)
            case _:
                assert_never(step)

    def _send(self, node: NodeId, send: verbs.Send, after: NodeId | None) -> SendNode:
        defaults = self.journey.defaults
        return SendNode(
            id=node,
            template=send.template,
            subject=send.subject,
            terms=SendTerms(
                topic=send.topic or defaults.topic or GENERAL,
                transactional=send.transactional,
                expires=calendar.parse_span(send.expires).elapsed if send.expires else None,
                late=send.late or defaults.late or "next_window",
                window=window_of(send, defaults),
                timezone=self.journey.timezone,
                mailable=self.mailable,
            ),
            next=after,
        )

    def _wait(self, node: NodeId, wait: str | verbs.WaitUntil | verbs.WaitUntilDate, after: NodeId | None) -> WaitNode:
        other = wait.otherwise if isinstance(wait, verbs.WaitUntilDate) else []
        return WaitNode(id=node, how=_how(wait), next=after, otherwise=self._steps(other, after) if other else None)

    def _wait_for(self, node: NodeId, wait: verbs.WaitFor, after: NodeId | None) -> WaitForNode:
        return WaitForNode(
            id=node,
            event=wait.event,
            guard=self._guard(str(node), wait.when),
            reads=guards.reads(wait.when) if wait.event is None and wait.when else frozenset(),
            up_to=calendar.parse_span(wait.up_to) if wait.up_to else None,
            then=self._steps(wait.then, after),
            otherwise=self._steps(wait.otherwise, after),
            next=after,
        )

    def _arm(self, node: NodeId, index: int, case: verbs.Case, after: NodeId | None) -> BranchArm:
        guard = self._guard(f"{node}[{index}]", case.condition)
        return BranchArm(guard=guard, target=self._steps(case.steps, after))

    def _split(self, node: NodeId, split: verbs.Split, after: NodeId | None) -> SplitNode:
        variants = tuple(self._variant(split.id, name, one, after) for name, one in split.variants.items())
        decide = _decide(split.decide) if split.decide else None
        return SplitNode(id=node, key=split.id, variants=variants, next=after, winner=split.winner, decide=decide)

    def _variant(self, split: str, name: str, variant: verbs.Variant, after: NodeId | None) -> SplitVariant:
        before = {*self.nodes}
        target = self._steps(variant.steps, after)
        for step in self.nodes:
            if step not in before:
                self.variants.setdefault(step, f"{split}/{name}")  # that of an inner split stands there already
        return SplitVariant(name=name, weight=variant.weight, holdout=variant.holdout, target=target)

    def _guard(self, name: str, text: str | None) -> GuardId | None:
        if text is None:
            return None
        self.guards[GuardId(name)] = text
        return GuardId(name)


def _decide(rule: WinnerRule) -> DecideRule:
    after = calendar.parse_span(rule.after).elapsed
    return DecideRule(by=rule.by, after=after, confidence=rule.confidence)


def _reentry(rule: str | source.ReentryAfter) -> Any:
    return calendar.parse_span(rule.after) if isinstance(rule, source.ReentryAfter) else rule


def _cause(one: source.Transition) -> OnEvent | After | Inactive | When:
    if one.on is not None:
        return OnEvent(event=one.on)
    if one.after is not None:
        return After(span=calendar.parse_span(one.after))
    if one.inactive is not None and one.of is not None:
        return Inactive(span=calendar.parse_span(one.inactive), of=one.of)
    assert one.when is not None
    return When(reads=guards.reads(one.when))


def _how(wait: str | verbs.WaitUntil | verbs.WaitUntilDate) -> Span | LocalTime | DateOf:
    if isinstance(wait, str):
        return calendar.parse_span(wait)
    if isinstance(wait, verbs.WaitUntilDate):
        return _date_of(wait.until, wait.offset, wait.at)
    return LocalTime(at=calendar.parse_time(wait.until), days=calendar.parse_days(wait.on))


def _date(name: str, one: source.Trigger) -> DateTrigger:
    assert one.date is not None
    return DateTrigger(name=name, date=_date_of(one.date, one.offset, one.at), yearly=one.every == "year")


def _date_of(attribute: str, offset: str | None, at: str | None) -> DateOf:
    return DateOf(
        attribute=attribute.removeprefix("customer."),
        offset=calendar.parse_offset(offset) if offset else None,
        at=calendar.parse_time(at) if at else None,
    )


def window_of(send: verbs.Send, defaults: source.Defaults) -> Window | None:
    """The hours in which a mail may go, its own or the journey's; None where it goes at any."""
    window = send.send_window or defaults.send_window
    if send.transactional or window is None or window == "any":
        return None
    opens, closes = calendar.parse_time(window.opens), calendar.parse_time(window.closes)
    return Window(opens=opens, closes=closes, days=calendar.parse_days(window.days))
