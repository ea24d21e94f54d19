"""API keys as they are typed: `keys create`, `keys list`, `keys origins`, `keys revoke`."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import console, failures_as_sentences, parts, told_time, wrapping_table

if TYPE_CHECKING:
    from store.tables.access import ApiKey

keys_app = typer.Typer(help="API keys: create, list, origins, revoke.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    commands = {"create": keys_create, "list": keys_list, "origins": keys_origins, "revoke": keys_revoke}
    for name, command in commands.items():
        keys_app.command(name)(command)
    app.add_typer(keys_app, name="keys")


def keys_create(
    name: str,
    scope: Annotated[
        list[str], typer.Option(help="browser alone, or ingest, marketer, support, approver, admin; may be repeated.")
    ],
    expires: Annotated[str | None, typer.Option(help="When it ends, ISO 8601.")] = None,
    rate: Annotated[str | None, typer.Option(help="Calls per span, as 600/minute.")] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Of a page that may call with it, as https://shop.example; may be repeated."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key. It is shown this once."""
    from sqlmodel import Session

    from services import values
    from services.access import audit_log
    from services.access.keys import api_keys

    with failures_as_sentences(), parts() as made:
        until = values.instant(expires, "--expires") if expires else None

        def create(session: Session) -> "tuple[ApiKey, str]":
            key, text = api_keys.create(
                session, name, scope, made.clock(), expires_at=until, rate=rate, origins=origin or ()
            )
            after = {"name": name, "scopes": scope, "expires_at": expires, "rate": rate, "origins": key.origins}
            audit_log.record(session, audit_log.COMMAND_LINE, "created", "key", key.id, made.clock(), after=after)
            return key, text

        key, text = made.database.write(create)
        if as_json:
            return print(json.dumps({"id": key.id, "key": text, "scopes": key.scopes, "origins": key.origins}))
        console.print(f"{text}   ({', '.join(key.scopes)}; id {key.id}; shown this once)", highlight=False)


def keys_list(as_json: JsonFlag = False) -> None:
    """Show keys by prefix, with scopes and last use."""
    from store.queries.access import callers

    with failures_as_sentences(), parts() as made:
        with made.database.reading() as session:
            rows: list[dict[str, Any]] = [
                {"id": key.id, "name": key.name, "prefix": key.prefix, "scopes": key.scopes, "origins": key.origins,
                 "last_used_at": str(key.last_used_at or ""), "revoked": key.revoked_at is not None}
                for key in callers.keys(session)
            ]  # fmt: skip
        if as_json:
            return print(json.dumps(rows))
        table = wrapping_table("Id", "Name", "Prefix", "Scopes", "Last used (UTC)", "")
        for row in rows:
            table.add_row(row["id"], row["name"], row["prefix"] + "…", ", ".join(row["scopes"]),
                          told_time(row["last_used_at"]), "revoked" if row["revoked"] else "")  # fmt: skip
        console.print(table)


def keys_origins(
    key_id: str,
    origins: Annotated[list[str] | None, typer.Argument(help="As https://shop.example; none: no page at all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Name the pages that may call with a key: all of them, and no others from now on."""
    from sqlmodel import Session

    from services.access import audit_log
    from services.access.keys import api_keys

    with failures_as_sentences(), parts() as made:

        def change(session: Session) -> list[str]:
            before = {"origins": api_keys.get(session, key_id).origins}
            after = {"origins": api_keys.set_origins(session, key_id, origins or ()).origins}
            audit_log.record(session, audit_log.COMMAND_LINE, "changed", "key", key_id, made.clock(), before, after)
            return after["origins"]

        named = made.database.write(change)
        print(json.dumps({"id": key_id, "origins": named})) if as_json else console.print(
            f"[green]✓[/] {key_id}: {', '.join(named) or 'no page'}", highlight=False
        )


def keys_revoke(key_id: str) -> None:
    """Refuse a key from now on."""
    from sqlmodel import Session

    from services.access import audit_log
    from services.access.keys import api_keys

    with failures_as_sentences(), parts() as made:

        def revoke(session: Session) -> None:
            before = _end(api_keys.get(session, key_id))
            after = _end(api_keys.revoke(session, key_id, made.clock()))
            audit_log.record(session, audit_log.COMMAND_LINE, "revoked", "key", key_id, made.clock(), before, after)

        made.database.write(revoke)
        console.print(f"[green]✓[/] {key_id} is revoked")


def _end(key: "ApiKey") -> dict[str, Any]:
    return {"revoked_at": key.revoked_at.isoformat() if key.revoked_at is not None else None}
