"""The templates that a version of a journey was published with, and whether its mails are made of these alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from journeys.program.program import Program
from services.errors import Refused
from store.queries.definitions import templates as template_rows
from store.queries.figures import message_counts
from store.statuses import CLAIMABLE
from store.tables.definitions import JourneyVersion, VersionTemplate

FILE = 0
"""What a mail is pinned to where its template was a file when its version was published."""

PublishedWith = Mapping[str, int | None]
"""Version numbers of templates, by key; None for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUsage:
    """Who is pinned to a template, and how many planned mails will carry a new version of it."""

    pinning: Sequence[VersionTemplate]
    planned_mails: int


def newest(session: Session, program: Program) -> PublishedWith:
    """What the templates of a program are now."""
    kept = template_rows.newest(session, program.templates)
    return {key: kept[key].number if key in kept else None for key in sorted(program.templates)}


def of(session: Session, version: JourneyVersion) -> PublishedWith:
    """What the templates of a version were when it was published; empty where that was not kept yet."""
    found = template_rows.sent_by_version(session, version.journey, version.number)
    return {one.template: one.template_version for one in found}


def keep(session: Session, version: JourneyVersion, those: PublishedWith, *, pinned: bool) -> None:
    """Put on record what a new version is published with."""
    session.add_all(
        VersionTemplate(
            journey=version.journey, number=version.number, template=key, template_version=number, pinned=pinned
        )
        for key, number in those.items()
    )


def pin(session: Session, program: Program, number: int, template: str) -> int | None:
    """The template version that a mail of this version of the journey is made of: FILE, or None for the newest."""
    if not program.templates_are_pinned:
        return None
    found = session.get(VersionTemplate, (program.journey, number, template))
    return (found.template_version or FILE) if found is not None else None


def usage(session: Session, template: str) -> TemplateUsage:
    """Who uses a template; its planned mails are those that no lane has claimed, and that are not pinned."""
    waiting = message_counts.with_template(session, template, CLAIMABLE) - template_rows.pinned_mails(session, template)
    return TemplateUsage(pinning=template_rows.pinning(session, template), planned_mails=waiting)


def check_free(session: Session, template: str) -> None:
    """Raise Refused (`pinned`) where a version that is not archived is pinned to this template."""
    found = template_rows.pinning(session, template)
    if found:
        named = ", ".join(f"version {one.number} of {one.journey}" for one in found)
        be = "is" if len(found) == 1 else "are"
        raise Refused(f"{named} {be} pinned to the template {template!r}; archive {_them(len(found))} first", "pinned")


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
