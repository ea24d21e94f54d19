"""What mails are worth, as it is typed: `report mails`."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console


class MailsBy(StrEnum):
    """How mails are put together."""

    mail = "mail"
    journey = "journey"
    stage = "stage"
    step = "step"
    template = "template"
    variant = "variant"
    locale = "locale"
    broadcast = "broadcast"
    source = "source"


class CreditedBy(StrEnum):
    """Which mail has an order."""

    last = "last"
    first = "first"
    linear = "linear"


def mails(
    by: Annotated[MailsBy, typer.Argument(help="How mails are put together.")] = MailsBy.template,
    journey: Annotated[str | None, typer.Option(help="A journey's mails alone.")] = None,
    broadcast: Annotated[str | None, typer.Option(help="A broadcast's mails alone.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-03-02.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day; without it today.")] = None,
    attribution: Annotated[
        CreditedBy, typer.Option(help="Which mail has an order: the last before it, the first, or all alike.")
    ] = CreditedBy.last,
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with every figure.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """What mails are worth: who opened, clicked and converted, and the orders that are credited to them."""
    from waypost.cli.tables.mail_report import print_mails

    with api_client() as waypost:
        if csv:
            asked = {"by": by.value, "journey": journey, "broadcast": broadcast, "from": since, "to": until}
            return print(waypost.report_as("csv", "mails", **asked), end="")
        found = waypost.mails(by.value, journey=journey, broadcast=broadcast, since=since, until=until)
    if as_json:
        print(json.dumps(found))
    else:
        print_mails(console, found, attribution.value)
