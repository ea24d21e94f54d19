"""Templates as they are shown, stored and removed, on record: for the API's calls and for the pages' forms."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend
from api.edge import template_renders
from api.edge.render_turns import RenderTurns
from api.schemas.templates import PinnedBy, TemplateIn, TemplateOut, TemplateUsageOut, TextsOut
from services import values
from services.definitions import broadcasts, templates
from services.definitions.journey_versions import journeys, template_pins
from services.definitions.templates import Texts
from services.errors import NotFound
from store.tables.definitions import TemplateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTemplate:
    """Texts that can give mails, in every language, and what an inbox may not like about them."""

    texts: Texts
    variants: Mapping[str, Texts]
    warnings: list[str]


async def judged(parts: Backend, turns: RenderTurns, caller: str, key: str, body: TemplateIn) -> JudgedTemplate:
    """Render what is to be stored, each language in a turn of this caller; raise where it gives no mail.

    Before the transaction, since a poison template takes its time and nobody else shall wait for it.
    """
    values.check_values(body.model_dump(), largest=None)
    texts, warnings = await turns.run(caller, lambda: template_renders.checked(parts, key, None, body))
    variants: dict[str, Texts] = {}
    for tag, one in body.locales.items():
        variants[tag], more = await turns.run(caller, partial(template_renders.checked, parts, key, tag, one))
        warnings += [f"{tag}: {warning}" for warning in more]
    return JudgedTemplate(texts=texts, variants=variants, warnings=warnings)


def store(
    session: Session, trail: Trail, key: str, offered: JudgedTemplate, now: datetime
) -> tuple[TemplateOut, bool]:  # fmt: skip
    """Make it the newest version; False where it is that already."""
    before = present(session, key)
    version, created = templates.put(session, key, offered.texts, offered.variants, now)
    after = kept(version)
    if created:
        trail.note("changed" if before else "created", "template", key, before, after)
    return after, created


def remove(session: Session, trail: Trail, parts: Backend, key: str) -> None:
    """Remove it with its versions; raise Refused while something sends it, or is pinned to it."""
    before = present(session, key)
    template_pins.check_free(session, key)
    users = [*journeys.using_template(session, key), *broadcasts.using_template(session, key)]
    templates.delete(session, key, users, key in parts.template_files())
    trail.note("removed", "template", key, before)


def usage(session: Session, parts: Backend, key: str) -> TemplateUsageOut:
    """Who sends it, and what a new version of it would reach; raise NotFound."""
    if key not in parts.templates():
        raise NotFound(f"there is no template {key!r}")
    found = template_pins.usage(session, key)
    return TemplateUsageOut(
        journeys=journeys.using_template(session, key),
        broadcasts=broadcasts.using_template(session, key),
        pinned=[PinnedBy.model_validate(one) for one in found.pinning],
        planned_mails=found.planned_mails,
    )


# -- shapes ------------------------------------------------------------------------------------------------------------


def present(session: Session, key: str) -> TemplateOut | None:
    """The newest version, where it is kept here."""
    found = templates.find(session, key)
    return kept(found) if found is not None else None


def shown(parts: Backend, version: TemplateVersion | None, key: str) -> TemplateOut:
    """This version of it, or (None) the file; raise NotFound where there is no such file."""
    if version is not None:
        return kept(version)
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


def kept(version: TemplateVersion) -> TemplateOut:
    """A version that is kept here."""
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
