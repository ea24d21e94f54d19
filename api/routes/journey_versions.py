"""The versions of a journey: what each changed, who wrote and published it, and any two side by side."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Path

from api.deps.audit_trail import TheTrail
from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge.heavy_work import TheHeavyWork
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.routes.journeys import JourneyKey, Number
from api.schemas.base import Page
from api.schemas.journeys import (
    ComparedSideOut,
    VersionChangeOut,
    VersionDiff,
    VersionListed,
    VersionOut,
    VersionWhole,
)
from services.changes.publication import versions as versions_read
from services.changes.publication.versions import ComparedSide, ComparedVersions
from services.definitions.journey_versions import journeys, template_pins
from store.queries.access import users
from store.queries.listing import lists

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=IdempotentRoute)

Side = Annotated[Number | Literal["draft"], Path(description="a version's number, or `draft`")]


@router.get("/{key}/versions", summary="Published versions", responses=responses(404, 422))
def listed(
    key: JourneyKey,
    session: Reading,
    caller: Support,
    page: ThePage,
    sort: Literal["number", "-number"] = "-number",
) -> Page[VersionListed]:
    """The newest first, each with what it changed, in a sentence."""
    journeys.get(session, key)
    rows, cursor = lists.versions(session, page.slice(sort), key)
    told = versions_read.summaries(session, rows)
    names = users.names(session, {row.published_by for row in rows if row.published_by is not None})
    items = [
        VersionListed(
            **VersionOut.model_validate(row).model_dump(),
            by=names.get(row.published_by or ""),
            summary=told[row.number],
        )
        for row in rows
    ]
    return Page(items=items, cursor=cursor)


@router.get("/{key}/versions/{a}...{b}", summary="What one version changes of another", responses=responses(404, 422))
async def diff(
    key: JourneyKey, a: Side, b: Side, parts: TheBackend, caller: Support, heavy: TheHeavyWork
) -> VersionDiff:
    """Steps added, removed, moved and retimed, guards, mails, stages, transitions and settings, each in a sentence.

    What is only written in another way is in `text` alone.
    """

    def compare() -> ComparedVersions:
        with parts.database.reading() as session:
            sides = [versions_read.side(session, key, one) for one in (a, b)]
        return versions_read.compare(*sides)

    compared = await heavy.run(compare)
    return VersionDiff(
        journey=key,
        before=_side(compared.before),
        after=_side(compared.after),
        summary=compared.summary,
        changes=[VersionChangeOut.model_validate(one, from_attributes=True) for one in compared.changes],
        text=compared.text,
    )


def _side(one: ComparedSide) -> ComparedSideOut:
    return ComparedSideOut.model_validate(one, from_attributes=True)


@router.get("/{key}/versions/{number}", summary="One version", responses=responses(404))
def get(key: JourneyKey, number: Number, session: Reading, caller: Support) -> VersionWhole:
    """A version never changes."""
    found = journeys.version(session, key, number)
    shown = VersionOut.model_validate(found).model_dump()
    told = versions_read.summaries(session, [found])[number]
    templates = dict(template_pins.of(session, found))
    by = users.names(session, {found.published_by or ""}).get(found.published_by or "")
    return VersionWhole(**shown, by=by, summary=told, templates=templates, definition=json.loads(found.canonical))


@router.post("/{key}/versions/{number}/archive", summary="Archive a version", responses=responses(404, 409, 422))
def archive(
    key: JourneyKey, number: Number, session: Writing, now: Now, caller: Marketer, trail: TheTrail
) -> VersionOut:
    """Nobody goes back to it any more. Refused for the live one, and while a customer is under way on it."""
    before = VersionOut.model_validate(journeys.version(session, key, number))
    after = VersionOut.model_validate(versions_read.archive(session, key, number, now))
    trail.note("archived", "journey version", f"{key}/{number}", before, after)
    return after
