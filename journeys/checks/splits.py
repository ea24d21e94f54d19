"""Splits whose variants or decisions can come to nothing."""

from collections.abc import Iterator

from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem
from journeys.language.step_tree import all_steps
from journeys.language.verbs import SplitStep


def problems(journey: Definition) -> Iterator[DefinitionProblem]:
    """Variants without weight, as warnings."""
    for path, step in all_steps(journey):
        if isinstance(step, SplitStep):
            for name, variant in step.split.variants.items():
                if variant.weight == 0:
                    yield DefinitionProblem(
                        code="weight_zero",
                        severity="warning",
                        message=f"the variant {name!r} has the weight 0, so nobody new gets it",
                        path=(*path, "split", "variants", name, "weight"),
                        expected="a weight of at least 1, or no such variant",
                    )


def undecidable(journey: Definition) -> Iterator[DefinitionProblem]:
    """Splits that are to decide themselves by a goal that there is not."""
    for path, step in all_steps(journey):
        if isinstance(step, SplitStep) and step.split.decide is not None and journey.goal is None:
            yield DefinitionProblem(
                code="no_goal",
                message=f"the split {step.split.id!r} decides itself by the goal of the journey, which has none",
                path=(*path, "split", "decide"),
                expected="a goal for the journey, such as `goal: {on: Order Completed, within: 14 days}`",
            )
