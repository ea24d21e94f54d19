"""Templates beside one another: which version is sent, who sends it, how large it is, who wrote each version."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from services.definitions import broadcasts
from services.definitions.journey_versions import journeys
from store.queries.access import users
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.definitions import templates as template_rows
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.tables.definitions import TemplateVersion

ENTRIES = 200
"""Entries of the audit log in which the authors of versions are looked for: more versions than a page lists."""

Senders = Mapping[str, Sequence[str]]
"""By template, the keys of those who send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTemplate:
    """A template of a list; `version` is None for a file, `size` bytes of its HTML as it was written."""

    key: str
    version: int | None
    created_at: datetime | None
    languages: Sequence[str]
    size: int
    journeys: Sequence[str]
    broadcasts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFile:
    """What the list tells of a template that is a file."""

    languages: Sequence[str]
    size: int


def lines(session: Session, keys: Sequence[str], files: Mapping[str, TemplateFile]) -> list[ListedTemplate]:
    """These templates, in their order; `files` are those that are not kept here, by key."""
    newest = template_rows.newest(session, keys)
    in_journeys, in_broadcasts = _senders(session)
    return [
        ListedTemplate(
            key=key,
            version=kept.number if kept else None,
            created_at=kept.created_at if kept else None,
            languages=sorted(kept.locales) if kept else files[key].languages,
            size=len(kept.html.encode()) if kept else files[key].size,
            journeys=in_journeys.get(key, ()),
            broadcasts=in_broadcasts.get(key, ()),
        )
        for key in keys
        for kept in [newest.get(key)]
        if kept is not None or key in files
    ]


def _senders(session: Session) -> tuple[Senders, Senders]:
    """The live journeys, and the broadcasts that are not over, which send each template."""
    programs = ((one.journey, program.templates) for one, program in journeys.all_live(session))
    unfinished = ((row.key, broadcasts.body_of(row).templates()) for row in broadcast_rows.unfinished(session))
    return _by_template(programs), _by_template(unfinished)


def _by_template(senders: Iterable[tuple[str, Iterable[str]]]) -> Senders:
    found = defaultdict[str, set[str]](set)
    for key, those in senders:
        for template in those:
            found[template].add(key)
    return {template: sorted(those) for template, those in found.items()}


def authors(session: Session, key: str, versions: Sequence[TemplateVersion]) -> Mapping[int, str]:
    """Who wrote each of these versions, by its number, as the audit log has it; of one it has not, nobody is told."""
    begun = min((one.created_at for one in versions), default=None)
    entries = lists.audit(session, Slice(limit=ENTRIES, descending=True), kind="template", target=key)[0]
    wrote: dict[int, str] = {}
    for entry in entries:
        number = (entry.after or {}).get("version")
        if isinstance(number, int) and begun is not None and entry.at >= begun:
            wrote.setdefault(number, entry.actor)
    names = users.names(session, set(wrote.values()))
    return {number: names[actor] for number, actor in wrote.items() if actor in names}
