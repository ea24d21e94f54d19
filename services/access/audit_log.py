"""Who changed what. Of a customer only the names of what changed are kept, since the rest is theirs to have erased."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from store.ids import new_id
from store.queries.access import audits, users
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.tables.access import Audit

SAID = "said"
"""Where the reason that somebody gave stands, in what is kept of `after`."""

COMMAND_LINE = "command line"
"""The actor of what is done on the machine itself, where nobody shows a key."""


ASKED = "asked"
"""Where the control stands that was asked for, in what is kept of `after`, until somebody knows what came of it."""


def record(
    session: Session,
    actor: str,
    action: str,
    kind: str,
    target: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    said: str = "",
) -> None:
    """Keep one change: `action` on the thing of `kind` named `target`, with what differed before and after.

    `said`, why in somebody's own words, stands in what is kept of `after`.
    """
    if before is not None and after is not None:
        before, after = differing(before, after)
    if said:
        after = {**(after or {}), SAID: said}
    session.add(
        Audit(
            id=new_id("aud"),
            at=now,
            actor=actor,
            action=action,
            kind=kind,
            target=target,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
        )
    )


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without what is the same in them."""
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return (
        {name: value for name, value in before.items() if name in changed},
        {name: value for name, value in after.items() if name in changed},
    )


def settle(
    session: Session, enrollment_id: str, control_id: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Say what came of a control that somebody asked for, in the entry that was made when they did.

    Called in the transaction in which it is done or refused, so that the entry tells neither more nor less. A control
    that no person asked for has no entry.
    """
    for entry in audits.about(session, "enrollment", enrollment_id):
        kept = entry.after or {}
        if kept.get(ASKED) == control_id:
            said = {SAID: kept[SAID]} if SAID in kept else {}
            entry.before, changed = differing(before, after)
            entry.after = {**changed, **said}
            session.add(entry)


def last_author(session: Session, kind: str, target: str) -> str:
    """What whoever changed a thing last is called; empty where nobody knows."""
    entries = lists.audit(session, Slice(limit=1, descending=True), kind=kind, target=target)[0]
    names = users.names(session, {one.actor for one in entries})
    return next((names[one.actor] for one in entries if one.actor in names), "")
