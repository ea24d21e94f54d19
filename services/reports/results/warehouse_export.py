"""What a warehouse is given: events, mails and decisions as lines, read on from where the last run has ended.

A line has the cursor behind it. Whoever reads on from the last line they have kept gets each row once, none is missed,
whatever is written meanwhile (`store.queries.listing.exports`); a row that has changed comes again, so the last line of
an id holds. It must not know how lines are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session, SQLModel

from services.errors import InvalidInput
from store import keyset
from store.queries.listing import exports
from store.queries.listing.exports import ExportPlace
from store.tables.customers import Event
from store.tables.enrollments import Decision
from store.tables.messages import Message

ExportKind = Literal["events", "messages", "decisions"]

PAGE = 500
"""Rows of one transaction: 15 ms, and half a megabyte."""


LOOKED_AT = 20_000
"""Rows of one transaction that are looked at where only those since an instant are wanted: 20 ms where none of them is,
and then a line goes out as soon as there is one."""

AGREE = timedelta(hours=1)
"""By how much the clocks of our machines differ at most, with a wide margin: so much earlier a run begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedTable:
    """Which rows, which of their columns, and the instant that `since` is about."""

    table: type[SQLModel]
    columns: tuple[str, ...]
    since: str


EXPORTED: Mapping[ExportKind, ExportedTable] = {
    "events": ExportedTable(
        table=Event,
        columns=("id", "message_id", "customer_id", "type", "name", "properties", "at", "received_at", "said_at"),
        since="received_at",
    ),
    "messages": ExportedTable(
        table=Message,
        columns=(
            "id", "customer_id", "email", "enrollment_id", "journey", "stage", "step", "visit", "broadcast", "variant",
            "source", "template", "template_version", "locale", "topic", "lane", "status", "reason", "delivery", "due",
            "not_before", "planned_at", "accepted_at", "updated_at", "provider", "provider_id",
        ),
        since="updated_at",
    ),
    "decisions": ExportedTable(
        table=Decision,
        columns=(
            "id", "customer_id", "journey", "enrollment_id", "number", "at", "what", "stage", "step", "visit",
            "entered_stage", "detail",
        ),
        since="at",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportQuestion:
    """What is wanted: rows of a kind behind a cursor, and those alone that came, or changed, since an instant.

    `until` is the position at which the run ends: what is written while it lasts is the next one's.
    """

    kind: ExportKind
    after: ExportPlace = ExportPlace()
    since: datetime | None = None
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some lines, which may be none, and the question for those behind them; None where these are the last."""

    lines: Sequence[Mapping[str, Any]]
    rest: ExportQuestion | None


def asked(session: Session, kind: ExportKind, after: str | None, since: datetime | None) -> ExportQuestion:
    """The question of a run that begins now.

    With `since` it begins at the newest mark from before that (`services.upkeep.export_marks`), whatever lies below it.
    Raise InvalidInput for a cursor of another list, and for one from a time that this database does not know.
    """
    place = _place(kind, after) if after else ExportPlace()
    until = exports.settled(session)
    if place.position >= until:
        raise InvalidInput(
            "this cursor lies in a time that this database does not know: a copy was put in its place. After a restore "
            "run `waypost db restored` before anything is written, then read on from here",
            "after",
        )
    if since is not None:
        place = max(place, ExportPlace(exports.marked(session, since - AGREE)))
    return ExportQuestion(kind=kind, after=place, since=since, until=until)


def _place(kind: ExportKind, cursor: str) -> ExportPlace:
    try:
        return ExportPlace(*keyset.read(cursor, _names(kind), (int, str), False))
    except keyset.BadCursor as bad:
        raise InvalidInput(str(bad), "after") from None


def page(session: Session, wanted: ExportQuestion) -> ExportPage:
    """The next lines: `cursor`, `id`, `external_id` of the customer, and the columns of their kind."""
    of = EXPORTED[wanted.kind]
    since = (of.since, wanted.since) if wanted.since is not None else None
    end = None
    if since is not None:
        end = exports.place_ahead(session, of.table, wanted.after, wanted.until, LOOKED_AT)
    rows = exports.page(session, of.table, of.columns, wanted.after, wanted.until, PAGE, since, end)
    names = exports.external_ids(session, {row["customer_id"] for row in rows})
    lines = [_line(wanted.kind, row, names.get(row["customer_id"])) for row in rows]
    if len(rows) == PAGE:
        end = ExportPlace(rows[-1]["export_position"], rows[-1]["id"])
    rest = replace(wanted, after=end) if end is not None else None
    return ExportPage(lines=lines, rest=rest)


def _line(kind: ExportKind, row: Mapping[str, Any], external_id: str | None) -> Mapping[str, Any]:
    cursor = keyset.write([row["export_position"], row["id"]], _names(kind), False)
    columns = {name: row[name] for name in EXPORTED[kind].columns}
    return {"cursor": cursor, "id": row["id"], "external_id": external_id, **columns}


def _names(kind: ExportKind) -> tuple[str, str]:
    return (f"{kind}.position", "id")
