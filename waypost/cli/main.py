"""The command line. Exit status: 0 well, 1 refused or failed, 2 wrong usage.

A command imports what it alone needs when it runs: the API and the worker are started from here, and stay small.
"""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from journeys.checks import source
from journeys.checks.lint import Surroundings
from journeys.language.problems import InvalidJourney
from services import values
from services.access import api_keys, audit_log
from services.definitions import validation_context
from waypost import __version__
from waypost.cli import api_commands, doctor_commands, project_commands
from waypost.cli.simulation_commands import rehearsals
from waypost.cli.terminal import File, JsonFlag, complaints, console, parts, read, show_problems, told
from waypost.settings import Settings
from waypost.wiring import Parts

app = typer.Typer(name="waypost", help="A self-hosted engine for the customer lifecycle.", no_args_is_help=True)
keys_app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
rehearsals(app)
api_commands.register(app)
doctor_commands.register(app)
project_commands.register(app)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """A self-hosted engine for the customer lifecycle."""
    if version:
        console.print(__version__)
        raise typer.Exit


# -- processes ---------------------------------------------------------------------------------------------------------


@app.command()
def up() -> None:
    """Run everything on this machine: Temporal, the API with its pages, the worker."""
    from waypost.processes.up import Stack

    with told():
        asyncio.run(Stack(Settings(), console).run())


@app.command()
def api() -> None:
    """Run the API alone."""
    from waypost.processes import commands

    with told(), parts() as made:
        commands.api(made)


@app.command()
def worker(
    queue: Annotated[
        list[str] | None, typer.Option(help="Only this task queue: journeys or delivery. May be repeated.")
    ] = None,
) -> None:
    """Run a worker alone: workflows, delivery lanes, dispatcher."""
    from waypost.processes import commands

    with told(), parts() as made:
        commands.worker(made, *(queue or []))


@app.command()
def promote() -> None:
    """Let the workers of WAYPOST_BUILD_ID have the work from now on (rolling upgrades)."""
    from waypost.cli import promotion

    with told(), parts() as made:
        console.print(f"[green]✓[/] the build {asyncio.run(promotion.promote(made))} has the work")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the newest schema, and make WAYPOST_ADMIN_KEY (where it is set) a key."""
    from store import migrate
    from waypost.processes import admin_key

    with told(), parts() as made:
        made.settings.home.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(made.database.engine)
        if made.settings.admin_key is not None:
            admin_key.ensure_admin_key(made)
        console.print("The database has every migration.")


# -- journeys ----------------------------------------------------------------------------------------------------------


@app.command()
def validate(file: File, as_json: JsonFlag = False) -> None:
    """Check a journey file: every problem with its line, what was found, and what would be right."""
    with told(), parts() as made:
        text = read(file)
        try:
            definition, problems = source.read(text, _surroundings(made, text))
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


def _surroundings(made: Parts, text: str) -> Surroundings:
    """What this installation knows; without a database, its templates alone."""
    from store import migrate

    if made.settings.database_url is None and not (made.settings.home / "waypost.db").exists():
        return Surroundings(templates=made.template_files())
    if migrate.pending(made.database.engine):
        return Surroundings(templates=made.template_files())
    with made.database.reading() as session:
        return validation_context.of(session, source.key_of(text), made.templates())


# -- imports -----------------------------------------------------------------------------------------------------------


@app.command("import")
def import_command(
    file: File,
    journey: Annotated[str | None, typer.Option(help="Place the customers in this journey.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Import events (NDJSON in Segment's shape, or CSV) and place the customers where their history puts them."""
    from waypost.cli import import_file

    with told(), parts() as made:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=complaints, disable=as_json) as bar:
            done = import_file.run(made, file, journey, bar)
        if as_json:
            print(json.dumps(done))
        else:
            console.print(
                f"[green]✓[/] {done['customers']:,} customers, {done['events']:,} new events, "
                f"{done['enrolled']:,} enrolled, {done['repeated']:,} known already"
            )
            for error in done["errors"][:20]:
                complaints.print(f"[yellow]line {error['line']}[/]: ", end="")
                complaints.print(error["reason"], markup=False)
        if done["error_count"]:
            complaints.print(f"{done['error_count']:,} line(s) were not imported.")
            raise typer.Exit(1)


# -- keys --------------------------------------------------------------------------------------------------------------


@keys_app.command("create")
def keys_create(
    name: str,
    scope: Annotated[list[str], typer.Option(help="ingest, marketer, support or admin; may be repeated.")],
    expires: Annotated[str | None, typer.Option(help="When it ends, ISO 8601.")] = None,
    rate: Annotated[str | None, typer.Option(help="Calls per span, as 600/minute.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key. It is shown this once."""
    with told(), parts() as made:
        with made.database.writing() as session:
            until = values.instant(expires, "--expires") if expires else None
            key, text = api_keys.create(session, name, scope, made.clock(), expires_at=until, rate=rate)
            audit_log.record(session, audit_log.COMMAND_LINE, "created", "key", key.id, made.clock())
        print(json.dumps({"id": key.id, "key": text, "scopes": key.scopes})) if as_json else console.print(
            f"{text}   ({', '.join(key.scopes)}; id {key.id}; shown this once)", highlight=False
        )


@keys_app.command("list")
def keys_list(as_json: JsonFlag = False) -> None:
    """Show keys by prefix, with scopes and last use."""
    with told(), parts() as made:
        with made.database.reading() as session:
            rows: list[dict[str, Any]] = [
                {"id": key.id, "name": key.name, "prefix": key.prefix, "scopes": key.scopes,
                 "last_used_at": str(key.last_used_at or ""), "revoked": key.revoked_at is not None}
                for key in api_keys.listed(session)
            ]  # fmt: skip
        if as_json:
            return print(json.dumps(rows))
        table = Table("Id", "Name", "Prefix", "Scopes", "Last used", "")
        for row in rows:
            table.add_row(row["id"], row["name"], row["prefix"] + "…", ", ".join(row["scopes"]), row["last_used_at"],
                          "revoked" if row["revoked"] else "")  # fmt: skip
        console.print(table)


@keys_app.command("revoke")
def keys_revoke(key_id: str) -> None:
    """Refuse a key from now on."""
    with told(), parts() as made, made.database.writing() as session:
        api_keys.revoke(session, key_id, made.clock())
        audit_log.record(session, audit_log.COMMAND_LINE, "revoked", "key", key_id, made.clock())
        console.print(f"[green]✓[/] {key_id} is revoked")


def main() -> None:
    """The entry point."""
    app()
