"""What the mails of a journey say of themselves: a topic that can be left, a stage that may be written to."""

from collections.abc import Iterator

from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem
from journeys.language.step_tree import all_steps, steps_of
from journeys.language.verbs import SendStep


def topics(journey: Definition) -> Iterator[DefinitionProblem]:
    """Mails that name no topic, nor has their journey one."""
    for path, step in all_steps(journey):
        if isinstance(step, SendStep) and not (step.send.topic or journey.defaults.topic or step.send.transactional):
            yield DefinitionProblem(
                code="no_topic",
                severity="warning",
                message="this mail has no topic, so it belongs to 'general'",
                path=(*path, "send"),
                expected="a topic here or in defaults, so that customers can leave just this kind of mail",
            )


def unmailable(journey: Definition) -> Iterator[DefinitionProblem]:
    """Mails of a stage that is not to be written to."""
    for key, stage in journey.stages.items():
        for path, step in steps_of(stage.steps, ("stages", key, "steps")):
            if not stage.mailable and isinstance(step, SendStep) and not step.send.transactional:
                yield DefinitionProblem(
                    code="not_mailable",
                    severity="warning",
                    message=f"who is in {key!r} is not to be written to, and this is no transactional mail",
                    path=(*path, "send"),
                    expected="a transactional mail; or another stage for this one",
                )
