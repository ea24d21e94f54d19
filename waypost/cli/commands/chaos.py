"""The proof that nothing is lost and nothing doubled, as it is typed."""

from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import failures_as_sentences, print_answer


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(chaos)


def chaos(
    mails: Annotated[int, typer.Option(min=2, max=1_000_000, help="How many are due.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Who dies when; the same seed, the same order.")] = 7,
    kills: Annotated[int, typer.Option(min=0, help="At least so many.")] = 4,
    as_json: JsonFlag = False,
) -> None:
    """Mail from an installation of its own while its processes are killed; exit status 1 where one is lost or doubled.

    Nothing leaves this machine: the receiver is part of it.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from waypost.chaos import proof

    with failures_as_sentences(), TemporaryDirectory(prefix="waypost-chaos-") as folder:
        found = proof.prove(Path(folder), mails, seed, kills)
        told = (
            f"{found.accepted:,} of {found.due:,} mails arrived; {found.kills} kills in {found.seconds:.0f} s",
            f"{found.lost} lost, {found.duplicated} doubled, {found.unexpected} that nobody expected; "
            f"{found.unknown} unknown, which may have arrived or not",
            *(f"unknown: {one}" for one in found.unknown_mails),
            "[green]✓[/] Nothing lost, nothing doubled." if found.holds else "[red]✗[/] It does not hold.",
        )
        print_answer(as_json, found.as_json(), *told)
        if not found.holds:
            raise typer.Exit(1)
