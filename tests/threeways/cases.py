"""Journeys, customers and events that nobody thought of, in units of time that each world stretches as it needs."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from hypothesis import strategies as st

STAGES = ("a", "b", "c")
EVENTS = ("E", "F", "G")
GUARDS = ("customer.vip", "customer.level >= 2", 'customer.events["E"].count >= 2', 'customer.events["F"].count == 1')
LENGTH = 10  # units from the entry to the end of a case


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A journey with durations in units, who the customer is, and what happens after how many units."""

    journey: dict[str, Any]
    traits: dict[str, Any]
    script: tuple[tuple[float, str, dict[str, Any]], ...]

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "Case":
        read = json.loads(text)
        script = tuple((after, name, properties) for after, name, properties in read["script"])
        return Case(journey=read["journey"], traits=read["traits"], script=script)

    def stretched(self, key: str, unit: float) -> dict[str, Any]:
        """The definition under a key of its own, with units of so many seconds (rounded down to whole ones)."""
        text = json.dumps(self.journey)
        for count in range(LENGTH, 0, -1):
            text = text.replace(f'"{count} units"', f'"{max(1, round(count * unit))} seconds"')
        return {**json.loads(text), "journey": key, "enter": [{"on": f"Enter {key}"}], "reentry": "after_exit"}


spans = st.integers(1, 4).map(lambda count: f"{count} units")
guards = st.sampled_from(GUARDS)
events = st.sampled_from(EVENTS)
stages = st.sampled_from(STAGES)


def _simple() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.sampled_from(["mail_a", "mail_b", "mail_c"]).map(lambda key: {"send": key}),
        st.integers(0, 3).map(lambda level: {"set": {"level": level}}),
        spans.map(lambda span: {"wait": span}),
    )


def _steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    def around(inner: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[list[dict[str, Any]]]:
        wait_for = st.builds(
            lambda name, span, then, other: {"wait_for": {"event": name, "up_to": span, "then": then, "else": other}},
            events, spans, inner, inner,
        )  # fmt: skip
        turning = st.builds(
            lambda guard, span, then: {"wait_for": {"when": guard, "up_to": span, "then": then}}, guards, spans, inner
        )
        branch = st.builds(
            lambda guard, then, other: {"branch": [{"if": guard, "then": then}, {"else": other}]}, guards, inner, inner
        )
        return st.lists(st.one_of(_simple(), wait_for, turning, branch), max_size=3)

    return st.recursive(st.lists(_simple(), max_size=3), around, max_leaves=3)


def _transitions() -> st.SearchStrategy[list[dict[str, Any]]]:
    guard = st.one_of(st.just(dict[str, Any]()), guards.map(lambda text: {"when": text}))
    return st.lists(
        st.one_of(
            st.builds(lambda name, to, when: {"on": name, "to": to, **when}, events, stages, guard),
            st.builds(lambda span, to, when: {"after": span, "to": to, **when}, spans, stages, guard),
            st.builds(lambda span, name, to: {"inactive": span, "of": name, "to": to}, spans, events, stages),
            st.builds(lambda text, to: {"when": text, "to": to}, guards, stages),
        ),
        max_size=3,
    )


def _journey() -> st.SearchStrategy[dict[str, Any]]:
    stage = st.builds(
        lambda steps, ways: {"steps": [{"wait": "1 units"}, *steps], "transitions": ways}, _steps(), _transitions()
    )
    return st.builds(
        lambda *made: {
            "journey": "case",
            "start": "a",
            "exit": [{"on": "Stop"}],
            "goal": {"on": "G", "within": "4 units"},
            "stages": {
                key: {**one, "transitions": [*one["transitions"], {"on": f"To {to}", "to": to}]}
                for key, to, one in zip(STAGES, ("b", "c", "a"), made, strict=True)
            },
        },
        stage, stage, stage,
    )  # fmt: skip


def cases() -> st.SearchStrategy[Case]:
    """Events fall between whole units, so that no instant is close to a deadline."""
    happening = st.tuples(
        st.integers(0, LENGTH - 2).map(lambda count: count + 0.5),
        st.sampled_from([*EVENTS, *EVENTS, "Identify", "To b", "To c", "Stop"]),
        st.fixed_dictionaries({"vip": st.booleans(), "level": st.integers(0, 3)}),
    )
    return st.builds(
        lambda journey, vip, script: Case(
            journey=journey, traits={"vip": vip}, script=tuple(sorted(script, key=lambda one: (one[0], one[1])))
        ),
        _journey(), st.booleans(), st.lists(happening, max_size=5, unique_by=lambda one: one[0]),
    )  # fmt: skip
