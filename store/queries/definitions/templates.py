"""Templates that are kept in the store."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, func, select

from store.statuses import CLAIMABLE
from store.tables.definitions import JourneyVersion, Template, TemplateVersion, VersionTemplate
from store.tables.messages import Message


def keys(session: Session) -> frozenset[str]:
    """The keys of the templates that are kept here; others are files."""
    return frozenset(session.exec(select(Template.key)).all())


def newest(session: Session, keys: Collection[str]) -> dict[str, TemplateVersion]:
    """The newest version of each of these templates, by key; those that are files are left out."""
    latest = (col(Template.key) == TemplateVersion.key) & (col(Template.version) == TemplateVersion.number)
    query = select(TemplateVersion).join(Template, latest).where(col(TemplateVersion.key).in_(keys))
    return {one.key: one for one in session.exec(query).all()}


def by_numbers(session: Session, pairs: Collection[tuple[str, int]]) -> dict[tuple[str, int], TemplateVersion]:
    """These versions, each asked for by its key and its number; no statement where none is."""
    if not pairs:
        return {}
    names: Any = tuple_(col(TemplateVersion.key), col(TemplateVersion.number))
    found = session.exec(select(TemplateVersion).where(names.in_(sorted(pairs)))).all()
    return {(one.key, one.number): one for one in found}


def sent_by_version(session: Session, journey: str, number: int) -> Sequence[VersionTemplate]:
    """The templates that a version of a journey was published with, by key."""
    query = select(VersionTemplate).where(VersionTemplate.journey == journey, VersionTemplate.number == number)
    return session.exec(query.order_by(col(VersionTemplate.template))).all()


def pinning(session: Session, template: str) -> Sequence[VersionTemplate]:
    """The versions of journeys that pin this template and are not archived, in their order."""
    own = (col(JourneyVersion.journey) == VersionTemplate.journey) & (
        col(JourneyVersion.number) == VersionTemplate.number
    )
    query = (
        select(VersionTemplate)
        .join(JourneyVersion, own)
        .where(
            VersionTemplate.template == template, col(VersionTemplate.pinned), col(JourneyVersion.archived_at).is_(None)
        )
    )
    return session.exec(query.order_by(col(VersionTemplate.journey), col(VersionTemplate.number))).all()


def pinned_mails(session: Session, template: str) -> int:
    """How many mails that no lane has claimed are pinned to a version of this template."""
    query = select(func.count()).where(
        Message.template == template, col(Message.template_pin).is_not(None), col(Message.status).in_(CLAIMABLE)
    )
    return session.exec(query).one()


def versions(session: Session, key: str) -> Sequence[TemplateVersion]:
    """The versions of a template, the newest first."""
    query = select(TemplateVersion).where(TemplateVersion.key == key)
    return session.exec(query.order_by(col(TemplateVersion.number).desc())).all()
