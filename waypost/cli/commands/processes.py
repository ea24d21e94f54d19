"""The processes of an installation as they are typed: `up`, `api`, `worker`, `promote`, `db upgrade`."""

from typing import Annotated

import typer

from waypost.cli.terminal import complaints, console, failures_as_sentences, parts

db_app = typer.Typer(help="The database.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (up, api, worker, promote):
        app.command()(command)
    db_app.command("upgrade")(db_upgrade)
    app.add_typer(db_app, name="db")


def up(
    hold: Annotated[
        bool, typer.Option("--hold", help="Let no mail, webhook or note go out until `waypost release`.")
    ] = False,
) -> None:
    """Run everything on this machine: Temporal, the API with its pages, the worker."""
    import asyncio

    from waypost.settings import Settings
    from waypost.stack.stack import Stack

    with failures_as_sentences():
        asyncio.run(Stack(Settings(), console, hold=hold).run())


def api() -> None:
    """Run the API alone."""
    from waypost.processes import launch

    with failures_as_sentences(), parts() as made:
        launch.api(made)


def worker(
    queue: Annotated[
        list[str] | None, typer.Option(help="Only this task queue: journeys or delivery. May be repeated.")
    ] = None,
) -> None:
    """Run a worker alone: workflows, delivery lanes, dispatcher."""
    from waypost.processes import launch

    with failures_as_sentences(), parts() as made:
        launch.worker(made, *(queue or []))


def promote() -> None:
    """Let the workers of WAYPOST_BUILD_ID have the work from now on (rolling upgrades)."""
    import asyncio

    from waypost.processes import build_promotion

    with failures_as_sentences(), parts() as made:
        console.print(f"[green]✓[/] the build {asyncio.run(build_promotion.promote(made))} has the work")


def db_upgrade() -> None:
    """Bring the database to the newest schema, and make WAYPOST_ADMIN_KEY (where it is set) a key."""
    from store import migrate
    from waypost.private_files import make_private
    from waypost.processes import admin_key

    with failures_as_sentences(), parts() as made:
        make_private(made.settings.home)
        migrate.upgrade(made.database.engine)
        if made.settings.admin_key is not None:
            warning = admin_key.ensure_admin_key(made).warning
            if warning is not None:
                complaints.print(warning, markup=False, highlight=False)
        console.print("The database has every migration.")
