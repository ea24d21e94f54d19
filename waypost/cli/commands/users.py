"""Users as they are typed: `users invite`, `users link`, `users list`, `users disable`, `users enable`."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import console, failures_as_sentences, parts, told_time, wrapping_table

if TYPE_CHECKING:
    from sqlmodel import Session

    from store.tables.users import User

users_app = typer.Typer(help="Who signs in to the pages: invite, link, list, disable, enable.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(help="The email address of the user.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    commands = {
        "invite": users_invite, "link": users_link, "list": users_list, "disable": users_disable,
        "enable": users_enable,
    }  # fmt: skip
    for name, command in commands.items():
        users_app.command(name)(command)
    app.add_typer(users_app, name="users")


def users_invite(
    email: EmailArgument,
    role: Annotated[list[str], typer.Option(help="support, marketer, approver or admin; may be repeated.")],
    name: Annotated[str, typer.Option(help="What the pages and the audit log call them.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Invite somebody, and print the link that signs them in once. Nothing is mailed."""
    from services.access import audit_log
    from services.access.signing_in import sign_in, users

    with failures_as_sentences(), parts() as made:
        now = made.clock()

        def invite(session: "Session") -> str:
            user = users.invite(session, email, name, role, None, now)
            after = {"email": user.email, "roles": user.roles}
            audit_log.record(session, audit_log.COMMAND_LINE, "invited", "user", user.id, now, after=after)
            return sign_in.link(session, user.id, now, sign_in.INVITED).id

        _show_link(made.links.sign_in_url(made.database.write(invite)), "within a week", as_json)


def users_link(email: EmailArgument, as_json: JsonFlag = False) -> None:
    """Print a link that signs a user in once, for whoever gets no mail."""
    from services.access import audit_log
    from services.access.signing_in import sign_in, users
    from services.errors import Refused

    with failures_as_sentences(), parts() as made:
        now = made.clock()

        def link(session: "Session") -> str:
            user = users.get(session, email)
            if user.disabled_at is not None:
                raise Refused(f"{user.email} is disabled; `waypost users enable` lets them in again")
            audit_log.record(session, audit_log.COMMAND_LINE, "made a link for", "user", user.id, now)
            return sign_in.link(session, user.id, now, sign_in.MAILED).id

        _show_link(made.links.sign_in_url(made.database.write(link)), "within half an hour", as_json)


def _show_link(url: str, until: str, as_json: bool) -> None:
    if as_json:
        return print(json.dumps({"link": url}))
    console.print(f"{url}   (signs in once, {until})", highlight=False, soft_wrap=True)


def users_list(as_json: JsonFlag = False) -> None:
    """Show users with their roles and their last sign-in."""
    from store.queries.listing import lists
    from store.queries.listing.lists import Slice

    with failures_as_sentences(), parts() as made:
        with made.database.reading() as session:
            rows = [_shown(one) for one in lists.users(session, Slice(limit=1_000))[0]]
        if as_json:
            return print(json.dumps(rows))
        table = wrapping_table("Address", "Name", "Roles", "Last sign-in (UTC)", "")
        for row in rows:
            gone = "disabled" if row["disabled"] else ""
            table.add_row(row["email"], row["name"], ", ".join(row["roles"]), told_time(row["last_sign_in_at"]), gone)
        console.print(table)


def _shown(user: "User") -> dict[str, Any]:
    return {
        "id": user.id, "email": user.email, "name": user.name, "roles": user.roles,
        "last_sign_in_at": str(user.last_sign_in_at or ""), "disabled": user.disabled_at is not None,
    }  # fmt: skip


def users_disable(email: EmailArgument) -> None:
    """Let a user in no more; their sessions end now."""
    _change(email, "disabled")


def users_enable(email: EmailArgument) -> None:
    """Let a user in again."""
    _change(email, "enabled")


def _change(email: str, action: str) -> None:
    from services.access import audit_log
    from services.access.signing_in import users

    with failures_as_sentences(), parts() as made:
        now = made.clock()

        def change(session: "Session") -> None:
            before = _shown(users.get(session, email))
            own = before["id"]
            user = users.disable(session, own, now) if action == "disabled" else users.enable(session, own)
            audit_log.record(session, audit_log.COMMAND_LINE, action, "user", own, now, before, _shown(user))

        made.database.write(change)
        console.print(f"[green]✓[/] {email} is {action}", highlight=False)
