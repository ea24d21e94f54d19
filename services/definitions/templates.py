"""Templates kept in the store: a key leads to its newest version, and a version never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.queries.definitions import templates as template_rows
from store.tables.definitions import Template, TemplateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSource:
    """The texts of a version in one language; `locale` is None where they are for everybody else."""

    key: str
    version: int
    subject: str
    html: str
    text: str
    preheader: str = ""
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a version is made of in one language."""

    subject: str
    html: str
    text: str
    preheader: str = ""


def put(
    session: Session, key: str, texts: Texts, variants: Mapping[str, Texts], now: datetime
) -> tuple[TemplateVersion, bool]:
    """Make these texts, and those in other languages, the newest version; False where they are that already."""
    template = session.get(Template, key)
    locales = {tag: asdict(one) for tag, one in sorted(variants.items())}
    if template is not None:
        newest = version(session, key, template.version)
        if (_texts(newest), newest.locales) == (texts, locales):
            return newest, False
    template = template or Template(key=key, version=0, created_at=now, updated_at=now)
    template.version, template.updated_at = template.version + 1, now
    made = TemplateVersion(key=key, number=template.version, created_at=now, locales=locales, **asdict(texts))
    session.add_all([template, made])
    session.flush()
    return made, True


def find(session: Session, key: str) -> TemplateVersion | None:
    """The newest version, where the template is kept here; None where it is a file, or not at all."""
    template = session.get(Template, key)
    return version(session, key, template.version) if template is not None else None


def version(session: Session, key: str, number: int) -> TemplateVersion:
    """A version, by its number from 1; raise NotFound."""
    found = session.get(TemplateVersion, (key, number))
    if found is None:
        raise NotFound(f"the template {key!r} has no version {number}")
    return found


def source_of(version: TemplateVersion, locales: Sequence[str] = ()) -> TemplateSource:
    """A version in the best of the languages: `locales` are tags, the best first."""
    for tag in locales:
        if tag in version.locales:
            return TemplateSource(key=version.key, version=version.number, locale=tag, **version.locales[tag])
    return TemplateSource(key=version.key, version=version.number, **asdict(_texts(version)))


def _texts(version: TemplateVersion) -> Texts:
    return Texts(subject=version.subject, html=version.html, text=version.text, preheader=version.preheader)


def delete(session: Session, key: str, used_by: Sequence[str], built_in: bool) -> None:
    """Remove a template with its versions; a file of the same key (`built_in`) takes its place.

    `used_by` is what sends it: raise Refused where something does and no file is there, NotFound where it is not kept
    here.
    """
    template = session.get(Template, key)
    if template is None:
        raise NotFound(f"no template {key!r} is kept here")
    if used_by and not built_in:
        raise Refused(f"{', '.join(used_by)} send the template {key!r}; publish these without it first")
    for one in template_rows.versions(session, key):
        session.delete(one)
    session.delete(template)
