"""Templates that are kept in the store."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from store.tables.definitions import Template, TemplateVersion


def keys(session: Session) -> frozenset[str]:
    """The keys of the templates that are kept here; others are files."""
    return frozenset(session.exec(select(Template.key)).all())


def newest(session: Session, keys: Collection[str]) -> dict[str, TemplateVersion]:
    """The newest version of each of these templates, by key; those that are files are left out."""
    latest = (col(Template.key) == TemplateVersion.key) & (col(Template.version) == TemplateVersion.number)
    query = select(TemplateVersion).join(Template, latest).where(col(TemplateVersion.key).in_(keys))
    return {one.key: one for one in session.exec(query).all()}


def versions(session: Session, key: str) -> Sequence[TemplateVersion]:
    """The versions of a template, the newest first."""
    query = select(TemplateVersion).where(TemplateVersion.key == key)
    return session.exec(query.order_by(col(TemplateVersion.number).desc())).all()
