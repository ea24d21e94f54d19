"""Templates that are kept in the store."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.tables.definitions import Template, TemplateVersion


def keys(session: Session) -> frozenset[str]:
    """The keys of the templates that are kept here; others are files."""
    return frozenset(session.exec(select(Template.key)).all())


def versions(session: Session, key: str) -> Sequence[TemplateVersion]:
    """The versions of a template, the newest first."""
    query = select(TemplateVersion).where(TemplateVersion.key == key)
    return session.exec(query.order_by(col(TemplateVersion.number).desc())).all()
