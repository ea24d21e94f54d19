"""Backups as they are typed: `backup`, `restore`, and `db restored` for PostgreSQL, which has its own tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.commands.processes import db_app
from waypost.cli.terminal import fail, failures_as_sentences, print_answer

if TYPE_CHECKING:
    from waypost.settings import Settings

FolderArgument = Annotated[Path, typer.Argument(help="The folder of the backup.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (backup, restore):
        app.command()(command)
    db_app.command("restored")(db_restored)


def backup(
    folder: FolderArgument,
    verify: Annotated[
        bool, typer.Option("--verify", help="Take none: see whether the one that is there is whole.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Back up the home (both databases, its secrets) into a new folder, also while everything runs."""
    from waypost.backup import manifest, snapshot
    from waypost.wiring import utc_now

    with failures_as_sentences():
        taken = manifest.verified(folder) if verify else snapshot.take(_embedded().home, folder, utc_now())
        size = sum(one.bytes for one in taken.files.values())
        answer = {
            "folder": str(folder),
            "taken_at": taken.taken_at.isoformat(),
            "files": sorted(taken.files),
            "bytes": size,
        }
        what = "is whole" if verify else "holds the home"
        print_answer(
            as_json, answer, f"[green]✓[/] {folder} {what} as of {taken.taken_at:%Y-%m-%d %H:%M:%S} UTC: {size:,} bytes"
        )


def restore(folder: FolderArgument, as_json: JsonFlag = False) -> None:
    """Put a backup in the place of the home while nothing runs; all lanes are held until `waypost release`."""
    from waypost.backup import restoring
    from waypost.wiring import utc_now

    with failures_as_sentences():
        done = restoring.restore(_embedded().home, folder, utc_now())
        answer = {"taken_at": done.taken_at.isoformat(), "in_doubt": done.in_doubt, "kept": str(done.kept)}
        print_answer(
            as_json,
            answer,
            f"[green]✓[/] restored as of {done.taken_at:%Y-%m-%d %H:%M:%S} UTC; what was there is in {done.kept}",
            *_told(done.in_doubt),
        )


def db_restored(
    taken: Annotated[
        str, typer.Option("--taken", help="When the backup was begun, as 2026-03-02T03:00:00Z (UTC without a zone).")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Tell a database that it was restored, before anything starts: all lanes are held, and nobody is mailed twice."""
    from readers import dates
    from waypost.backup import restoring
    from waypost.settings import Settings
    from waypost.wiring import utc_now

    at = dates.instant(taken)
    if at is None:
        raise typer.BadParameter("say the instant as 2026-03-02T03:00:00Z", param_hint="--taken")
    with failures_as_sentences():
        doubted = restoring.fence(Settings().database, at, utc_now())
        print_answer(as_json, {"taken_at": at.isoformat(), "in_doubt": doubted}, *_told(doubted))


def _told(in_doubt: int) -> tuple[str, ...]:
    return (
        f"{in_doubt:,} mails may have gone since: the provider is asked, else a person decides (`waypost decide`).",
        "All lanes are held; look (`waypost reconcile`), then `waypost release`.",
    )


def _embedded() -> "Settings":
    from waypost.settings import Settings

    settings = Settings()
    if settings.database_url is not None:
        fail("the database is not in the home (WAYPOST_DATABASE_URL); docs/operate.md says how PostgreSQL is backed up")
    return settings
