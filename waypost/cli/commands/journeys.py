"""Journeys as they are typed: `validate`, `pause`, `resume`, `enroll`."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from journeys.language.problems import InvalidJourney
from waypost.cli.arguments import (
    CustomerArgument,
    FileArgument,
    JourneyArgument,
    JsonFlag,
    LateOption,
    ReasonOption,
)
from waypost.cli.terminal import api_client, console, failures_as_sentences, parts, print_answer, read, show_problems

if TYPE_CHECKING:
    from journeys.checks.lint import ValidationContext
    from waypost.wiring import Parts


StageOption = Annotated[str | None, typer.Option(help="One stage of it alone.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (validate, pause, resume, enroll):
        app.command()(command)


def validate(file: FileArgument, as_json: JsonFlag = False) -> None:
    """Check a journey file: every problem with its line, what was found, and what would be right."""
    from journeys.checks import source

    with failures_as_sentences(), parts() as made:
        text = read(file)
        try:
            document = source.parse(text)
            definition, problems = source.judge(document, _validation_context(made, document.key))
            valid = True
        except InvalidJourney as invalid:
            definition, problems, valid = None, invalid.problems, False
        if as_json:
            print(json.dumps({"valid": valid, "problems": [one.as_json() for one in problems]}))
        else:
            show_problems(tuple(problems))
            if valid and definition is not None:
                console.print(f"[green]✓[/] {definition.journey}: {len(definition.stages)} stages, valid")
        if not valid:
            raise typer.Exit(1)


def _validation_context(made: "Parts", key: str | None) -> "ValidationContext":
    """What this installation knows; without a database, its templates alone."""
    from journeys.checks import lint
    from services.definitions.journey_versions import validation_context

    known = made.beside_store
    beside = replace(known, secrets=known.secrets or None)  # a machine that has none may still check for one that has
    if not made.set_up:
        private, judge = known.private_hooks or None, known.judge_text
        return lint.ValidationContext(
            templates=made.template_files(), secrets=beside.secrets, private_hooks=private, judge_text=judge
        )
    with made.database.reading() as session:
        return validation_context.load(session, key, made.templates(), beside)


def pause(
    key: JourneyArgument, stage: StageOption = None, reason: ReasonOption = "", as_json: JsonFlag = False
) -> None:
    """Park everybody in a journey (or in one stage of it) where they are; no mail goes."""
    with api_client() as waypost:
        what, again = (f"stage {stage} of {key}", f"{key} --stage {stage}") if stage else (key, key)
        done = waypost.change_journey(key, "pause", {"stage": stage, "reason": reason})
        print_answer(as_json, done, f"[green]✓[/] {what} is paused; `waypost resume {again}`")


def resume(
    key: JourneyArgument,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would go; nothing is resumed.")] = False,
    stage: StageOption = None,
    late: LateOption = None,
    reason: ReasonOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Let a paused journey, or stage, go on: first the events of the meantime, then what is overdue."""
    from waypost.cli.tables.plan import print_resume_plan

    with api_client() as waypost:
        if plan:
            found = waypost.resume_plan(key, stage=stage, late=late)
            if as_json:
                print_answer(True, found)
            else:
                print_resume_plan(console, found)
            return
        done = waypost.change_journey(key, "resume", {"stage": stage, "late": late, "reason": reason})
        print_answer(as_json, done, f"[green]✓[/] {f'stage {stage} of {key}' if stage else key} goes on")


def enroll(key: JourneyArgument, customer: CustomerArgument, as_json: JsonFlag = False) -> None:
    """Enroll a customer in a journey."""
    with api_client() as waypost:
        answer = waypost.enroll(key, customer)
        print_answer(as_json, answer, f"[green]✓[/] {customer} entered {key}: {answer['id']}")
