"""Mail templates: kept here with versions, or built in as files; previews and test mails."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import TheTrail, Trail
from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags, stored_templates, template_renders
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.edge.render_turns import TheRenderTurns
from api.errors import responses
from api.schemas.base import Page
from api.schemas.operations import OperationOut
from api.schemas.templates import (
    PreviewIn,
    PreviewOut,
    TemplateIn,
    TemplateOut,
    TemplateStored,
    TemplateUsageOut,
    TemplateVersionOut,
    TestMailIn,
)
from readers.keys import PATTERN
from services.definitions import templates
from services.definitions.journey_versions import template_pins
from services.errors import NotFound
from store.queries.definitions import templates as template_rows
from store.queries.listing import lists

router = APIRouter(prefix="/v1/templates", tags=["templates"], route_class=IdempotentRoute)

TemplateKey = Annotated[str, Path(description="the template's key", pattern=PATTERN)]


@router.put("/{key}", summary="Store a template", responses=responses(409, 412, 422))
async def put(
    key: TemplateKey,
    body: TemplateIn,
    request: Request,
    parts: TheBackend,
    now: Now,
    caller: Marketer,
    tags: TheTags,
    turns: TheRenderTurns,
) -> TemplateStored:
    """A new version, sent from now on; a template that could give no mail is refused, and says where.

    The text part is made of the HTML where there is none, once; MJML is compiled. Other languages stand in `locales`.
    """
    offered = await stored_templates.judged(parts, turns, caller.id, key, body)

    def store(session: Session) -> TemplateStored:
        tags.check(stored_templates.present(session, key))
        after, created = stored_templates.store(session, Trail(request, session, now), key, offered, now)
        tags.tagged(after)
        reached = template_pins.usage(session, key).planned_mails
        return TemplateStored(
            **after.model_dump(), created=created, planned_mails=reached, warnings=offered.warnings
        )  # fmt: skip

    return await run_in_threadpool(parts.database.write, store)


@router.get("", summary="List templates", responses=responses(422))
def listed(parts: TheBackend, session: Reading, caller: Support, page: ThePage) -> Page[TemplateOut]:
    """Those kept here and those that are files, by key."""
    keys = sorted(key for key in parts.templates() if page.cursor is None or key > page.cursor)
    newest = template_rows.newest(session, keys[: page.limit])
    items = [stored_templates.shown(parts, newest.get(key), key) for key in keys[: page.limit]]
    return Page(items=items, cursor=items[-1].key if len(keys) > page.limit else None)


@router.get("/{key}", summary="One template", responses=responses(404))
def get(key: TemplateKey, parts: TheBackend, session: Reading, caller: Support, response: Response) -> TemplateOut:
    """Its newest version; of a template that is a file, what stands in it: send it back by `PUT` to make it yours."""
    return etags.tagged(response, stored_templates.shown(parts, templates.find(session, key), key))


@router.delete("/{key}", status_code=204, summary="Remove a template", responses=responses(404, 409))
def delete(key: TemplateKey, parts: TheBackend, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Refused while a live journey sends it, unless a file of the same key takes its place.

    Refused in any case while a version of a journey is pinned to it (`pinned`).
    """
    stored_templates.remove(session, trail, parts, key)
    return Response(status_code=204)


@router.get("/{key}/usage", summary="What a new version would reach", responses=responses(404))
def usage(key: TemplateKey, parts: TheBackend, session: Reading, caller: Support) -> TemplateUsageOut:
    """How many planned mails would carry a new version, who sends it, and who is pinned to a version of it."""
    return stored_templates.usage(session, parts, key)


@router.get("/{key}/versions", summary="Versions of a template", responses=responses(404, 422))
def versions(
    key: TemplateKey,
    session: Reading,
    caller: Support,
    page: ThePage,
    sort: Literal["number", "-number"] = "-number",
) -> Page[TemplateVersionOut]:
    """The newest first. A version never changes; each message says which one it was made of."""
    if templates.find(session, key) is None:
        raise NotFound(f"no template {key!r} is kept here")
    rows, cursor = lists.template_versions(session, page.slice(sort), key)
    return Page(items=[TemplateVersionOut.model_validate(row) for row in rows], cursor=cursor)


@router.post("/{key}/preview", summary="See a template as a customer would", responses=responses(404, 422))
async def preview(
    key: TemplateKey, parts: TheBackend, caller: Support, turns: TheRenderTurns, body: PreviewIn | None = None
) -> PreviewOut:
    """Rendered for a customer, or for somebody made up; nothing is sent. It has limits of time and memory."""
    return await turns.run(caller.id, lambda: template_renders.preview(parts, key, body or PreviewIn()))


@router.post("/{key}/test", status_code=202, summary="Send a test mail", responses=responses(404, 422))
def test(
    key: TemplateKey, body: TestMailIn, parts: TheBackend, session: Writing, now: Now, caller: Marketer, trail: TheTrail
) -> OperationOut:
    """To one address, through the provider that mail really goes by; the operation says what became of it."""
    return template_renders.start_test(parts, session, trail, key, body, caller.id, now)
