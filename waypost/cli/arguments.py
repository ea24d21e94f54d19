"""Arguments and options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from journeys.language.words import Late

CustomerArgument = Annotated[str, typer.Argument(help="Your id of the customer, or the email address.")]
FileArgument = Annotated[Path, typer.Argument(help="A file.", exists=True, dir_okay=False, readable=True)]
JourneyArgument = Annotated[str, typer.Argument(help="The journey's key.")]
LateOption = Annotated[
    Late | None, typer.Option(help="What becomes of mails that are overdue, in place of what their steps say.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")]

ReasonOption = Annotated[str, typer.Option("--reason", help="What is kept on record with it.")]
