"""Mail templates: kept here with versions, or built in as files; previews and test mails."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import TheTrail, Trail
from api.deps.backend import Backend, TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.edge.render_turns import TheRenderTurns
from api.edge.shown_operations import operation_out
from api.errors import ApiError, responses
from api.schemas.base import Page
from api.schemas.operations import OperationOut
from api.schemas.templates import (
    PinnedBy,
    PreviewIn,
    PreviewOut,
    TemplateIn,
    TemplateOut,
    TemplateStored,
    TemplateUsageOut,
    TemplateVersionOut,
    TestMailIn,
    TextsIn,
    TextsOut,
)
from mail import linting
from mail.rendering.templates import TemplateProblem
from readers import locales
from readers.keys import PATTERN
from services import values
from services.customers import known_facts, suppressions
from services.definitions import broadcasts, journeys, template_pins, templates
from services.definitions.templates import TemplateSource, Texts
from services.errors import NotFound
from services.installation import installation_settings, value_fit
from services.jobs import test_mail
from services.messages.mail_request import MailRequest, Personalization
from services.operations import operations
from services.reports import customer_view
from store.queries import lists
from store.session import Database
from store.tables.definitions import TemplateVersion

router = APIRouter(prefix="/v1/templates", tags=["templates"], route_class=IdempotentRoute)

TemplateKey = Annotated[str, Path(description="the template's key", pattern=PATTERN)]
EXAMPLE_ID = "00000000-0000-5000-8000-000000000000"
EXAMPLE_LINK = "https://example.com/u/preview"
SAMPLE: dict[str, Any] = {"first_name": "Ann", "last_name": "Example", "email": "ann@example.com", "events": {}}


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
    values.check_values(body.model_dump(), largest=None)
    # rendered before the transaction, since a poison template takes its time and nobody else shall wait for it
    texts, warnings = await turns.run(caller.id, lambda: _checked(parts, key, None, body))
    variants: dict[str, Texts] = {}
    for tag, one in body.locales.items():
        variants[tag], more = await turns.run(caller.id, partial(_checked, parts, key, tag, one))
        warnings += [f"{tag}: {warning}" for warning in more]

    def store(session: Session) -> TemplateStored:
        present = templates.find(session, key)
        before = _kept(present) if present else None
        tags.check(before)
        version, created = templates.put(session, key, texts, variants, now)
        after = _kept(version)
        if created:
            Trail(request, session, now).note("changed" if before else "created", "template", key, before, after)
        tags.tagged(after)
        reached = template_pins.usage(session, key).planned_mails
        return TemplateStored(**after.model_dump(), created=created, planned_mails=reached, warnings=warnings)

    return await run_in_threadpool(parts.database.write, store)


@router.get("", summary="List templates", responses=responses(422))
def listed(parts: TheBackend, session: Reading, caller: Support, page: ThePage) -> Page[TemplateOut]:
    """Those kept here and those that are files, by key."""
    keys = sorted(key for key in parts.templates() if page.cursor is None or key > page.cursor)
    items = [_shown(parts, templates.find(session, key), key) for key in keys[: page.limit]]
    return Page(items=items, cursor=items[-1].key if len(keys) > page.limit else None)


@router.get("/{key}", summary="One template", responses=responses(404))
def get(key: TemplateKey, parts: TheBackend, session: Reading, caller: Support, response: Response) -> TemplateOut:
    """Its newest version; of a template that is a file, what stands in it: send it back by `PUT` to make it yours."""
    return etags.tagged(response, _shown(parts, templates.find(session, key), key))


@router.delete("/{key}", status_code=204, summary="Remove a template", responses=responses(404, 409))
def delete(key: TemplateKey, parts: TheBackend, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """Refused while a live journey sends it, unless a file of the same key takes its place.

    Refused in any case while a version of a journey is pinned to it (`pinned`).
    """
    present = templates.find(session, key)
    template_pins.check_free(session, key)
    users = [*journeys.using_template(session, key), *broadcasts.using_template(session, key)]
    templates.delete(session, key, users, key in parts.template_files())
    trail.note("removed", "template", key, _kept(present) if present else None)
    return Response(status_code=204)


@router.get("/{key}/usage", summary="What a new version would reach", responses=responses(404))
def usage(key: TemplateKey, parts: TheBackend, session: Reading, caller: Support) -> TemplateUsageOut:
    """How many planned mails would carry a new version, who sends it, and who is pinned to a version of it."""
    if key not in parts.templates():
        raise NotFound(f"there is no template {key!r}")
    found = template_pins.usage(session, key)
    return TemplateUsageOut(
        journeys=journeys.using_template(session, key),
        broadcasts=broadcasts.using_template(session, key),
        pinned=[PinnedBy.model_validate(one) for one in found.pinning],
        planned_mails=found.planned_mails,
    )


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
    return await turns.run(caller.id, lambda: _preview(parts, key, body or PreviewIn()))


@router.post("/{key}/test", status_code=202, summary="Send a test mail", responses=responses(404, 422))
def test(
    key: TemplateKey, body: TestMailIn, parts: TheBackend, session: Writing, now: Now, caller: Marketer, trail: TheTrail
) -> OperationOut:
    """To one address, through the provider that mail really goes by; the operation says what became of it."""
    personal = _personalization(parts, body)
    source = _source(parts.database, key, body.version, parts.templates(), personal.locales)
    request = {"template": key, "version": source.version if source else None}
    operation = operations.start(session, test_mail.KIND, request, now, by=caller.id, total=1)
    test_mail.keep(session, operation.id, suppressions.address(body.to), personal)
    shown = operation_out(operation, now)
    trail.note("tested", "template", key, after=shown)
    return shown


# -- rendering ---------------------------------------------------------------------------------------------------------


def _preview(parts: Backend, key: str, asked: PreviewIn) -> PreviewOut:
    personal = _personalization(parts, asked)
    source = _source(parts.database, key, asked.version, parts.templates(), personal.locales)
    request, now = _request(key, personal, source), parts.clock()
    try:
        mail = parts.composer.compose(request, now)
        plain = parts.composer.render(request, EXAMPLE_LINK, now)
    except TemplateProblem as problem:
        raise ApiError("invalid-template", str(problem)) from None
    found = linting.warnings(plain.subject, plain.html, EXAMPLE_LINK, parts.composer.brand.address)
    return PreviewOut(
        subject=mail.subject, html=mail.html, text=mail.text, locale=mail.locale or "", headers=dict(mail.headers),
        warnings=found,
    )  # fmt: skip


def _checked(parts: Backend, key: str, tag: str | None, body: TextsIn) -> tuple[Texts, list[str]]:
    """The texts that are to be stored, and warnings about them; raise where they can give no mail at all."""
    written = TemplateSource(
        key=key, version=0, locale=tag, **body.model_dump(include={"subject", "html", "text", "preheader"})
    )
    try:
        checked = parts.renderer.check(written)
    except TemplateProblem as problem:
        raise ApiError("invalid-template", f"{tag}: {problem}" if tag else str(problem)) from None
    texts = Texts(subject=written.subject, html=written.html, text=checked.text, preheader=written.preheader)
    sample = Personalization(context={"customer": SAMPLE, "enrollment": {}}, locales=(tag,) if tag else ())
    request = _request(key, sample, replace(written, text=checked.text))
    try:
        made = parts.composer.render(request, EXAMPLE_LINK, parts.clock())
    except TemplateProblem as problem:
        return texts, [*checked.warnings, f"for a made-up customer it gives no mail: {problem}"]
    found = linting.warnings(made.subject, made.html, EXAMPLE_LINK, parts.composer.brand.address)
    return texts, [*checked.warnings, *found]


def _request(key: str, personal: Personalization, source: TemplateSource | None) -> MailRequest:
    """The mail of a preview: to nobody, its links signed for an example."""
    return MailRequest(
        send_id=EXAMPLE_ID, to="", customer="preview", template=key, sample=True, personal=personal, source=source
    )


def _personalization(parts: Backend, asked: PreviewIn) -> Personalization:
    """The customer and the enrollment that a preview is for."""
    values.check_values({"attributes": asked.attributes, "enrollment": asked.enrollment})
    known: dict[str, Any] = {**SAMPLE} if asked.customer is None and not asked.attributes else {"events": {}}
    timezone, now = None, parts.clock()
    with parts.database.reading() as session:
        settings, model = installation_settings.load(session), value_fit.load(session)
        if asked.customer is not None:
            customer = customer_view.customer(session, asked.customer)
            known, timezone = known_facts.for_templates(customer, model, now), customer.timezone
    worked_out = known_facts.seen_by_templates(asked.attributes, {}, {}, model, now)
    about = {**worked_out, **known, **asked.attributes, "source": known.get("source", worked_out["source"])}
    own = {**about, "locale": asked.locale} if asked.locale else about
    return Personalization(
        context={"customer": about, "enrollment": asked.enrollment},
        locales=locales.wanted(own, settings.locale),
        timezone=timezone or settings.timezone,
    )


def _source(
    database: Database, key: str, version: int | None, known: frozenset[str], wanted: Sequence[str]
) -> TemplateSource | None:
    """The version to render, or None where the template is a file."""
    if key not in known:
        raise NotFound(f"there is no template {key!r}")
    with database.reading() as session:
        found = templates.version(session, key, version) if version else templates.find(session, key)
    return templates.source_of(found, wanted) if found is not None else None


# -- shapes ------------------------------------------------------------------------------------------------------------


def _shown(parts: Backend, version: TemplateVersion | None, key: str) -> TemplateOut:
    if version is not None:
        return _kept(version)
    if key not in parts.template_files():
        raise NotFound(f"there is no template {key!r}")
    texts = {tag: TextsOut(**asdict(one)) for tag, one in parts.template_file(key).items()}
    own = texts.pop(None)
    return TemplateOut(
        key=key,
        kept="file",
        version=None,
        locales={tag: one for tag, one in texts.items() if tag},
        created_at=None,
        **own.model_dump(),
    )


def _kept(version: TemplateVersion) -> TemplateOut:
    return TemplateOut(
        key=version.key,
        kept="here",
        version=version.number,
        subject=version.subject,
        html=version.html,
        text=version.text,
        preheader=version.preheader,
        locales={tag: TextsOut(**texts) for tag, texts in version.locales.items()},
        created_at=version.created_at,
    )
