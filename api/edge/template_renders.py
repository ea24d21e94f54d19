"""Renders of templates for whoever writes them: a preview, the texts that are to be stored judged, a test mail.

Each may take seconds, so whoever calls has waited for a turn (`api.edge.render_turns`), and holds no transaction.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend
from api.edge.shown_operations import operation_out
from api.errors import ApiError
from api.schemas.operations import OperationOut
from api.schemas.templates import PreviewIn, PreviewOut, TestMailIn, TextsIn
from mail import linting
from mail.rendering.templates import TemplateProblem
from readers import locales
from services import values
from services.customers import suppressions
from services.customers.attributes import known_facts
from services.definitions import templates
from services.definitions.templates import TemplateSource, Texts
from services.errors import NotFound
from services.installation import installation_settings, value_fit
from services.jobs.mails import test_mail
from services.messages.sending.mail_request import MailRequest, Personalization
from services.operations import operations
from services.reports.customer import customer_view
from store.session import Database

EXAMPLE_ID = "00000000-0000-5000-8000-000000000000"
EXAMPLE_LINK = "https://example.com/u/preview"
SAMPLE: dict[str, Any] = {"first_name": "Ann", "last_name": "Example", "email": "ann@example.com", "events": {}}


def preview(parts: Backend, key: str, asked: PreviewIn) -> PreviewOut:
    """A template as it is kept; raise NotFound, or ApiError where it gives no mail for whom it is asked."""
    personal = _personalization(parts, asked)
    source = _source(parts.database, key, asked.version, parts.templates(), personal.locales)
    return _made(parts, key, personal, source, asked.subject)


def preview_written(parts: Backend, key: str, tag: str | None, texts: TextsIn, asked: PreviewIn) -> PreviewOut:
    """Texts in one language that nobody has stored; raise as `preview` does."""
    personal = _personalization(parts, asked)
    written = _written(key, tag, texts)
    return _made(parts, key, personal, replace(written, text=_checked(parts, written)[0]), asked.subject)


def checked(parts: Backend, key: str, tag: str | None, body: TextsIn) -> tuple[Texts, list[str]]:
    """The texts that are to be stored, and warnings about them; raise where they can give no mail at all."""
    written = _written(key, tag, body)
    text, warnings = _checked(parts, written)
    texts = Texts(subject=written.subject, html=written.html, text=text, preheader=written.preheader)
    sample = Personalization(context={"customer": SAMPLE, "enrollment": {}}, locales=(tag,) if tag else ())
    request = _request(key, sample, replace(written, text=text))
    try:
        made = parts.composer.render(request, EXAMPLE_LINK, parts.clock())
    except TemplateProblem as problem:
        return texts, [*warnings, f"for a made-up customer it gives no mail: {problem}"]
    found = linting.warnings(made.subject, made.html, EXAMPLE_LINK, parts.composer.brand.address)
    return texts, [*warnings, *found]


def start_test(
    parts: Backend, session: Session, trail: Trail, key: str, asked: TestMailIn, by: str, now: datetime
) -> OperationOut:
    """Ask for a test mail to one address, on record; raise NotFound, InvalidInput where it is no address."""
    personal = _personalization(parts, asked)
    source = _source(parts.database, key, asked.version, parts.templates(), personal.locales)
    request = {"template": key, "version": source.version if source else None}
    operation = operations.start(session, test_mail.KIND, request, now, by=by, total=1)
    test_mail.keep(session, operation.id, suppressions.address(asked.to), personal, asked.subject)
    shown = operation_out(operation, now)
    trail.note("tested", "template", key, after=shown)
    return shown


# -- what a render is made of ------------------------------------------------------------------------------------------


def _made(
    parts: Backend, key: str, personal: Personalization, source: TemplateSource | None, subject: str | None
) -> PreviewOut:
    request, now = replace(_request(key, personal, source), subject=subject), parts.clock()
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


def _checked(parts: Backend, written: TemplateSource) -> tuple[str, list[str]]:
    """The text part, and warnings; raise where the texts can give no mail at all."""
    try:
        found = parts.renderer.check(written)
    except TemplateProblem as problem:
        raise ApiError("invalid-template", f"{written.locale}: {problem}" if written.locale else str(problem)) from None
    return found.text, [*found.warnings]


def _written(key: str, tag: str | None, texts: TextsIn) -> TemplateSource:
    said = texts.model_dump(include={"subject", "html", "text", "preheader"})
    return TemplateSource(key=key, version=0, locale=tag, **said)


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
