"""Who changed what. Of a customer only the names of what changed are kept, since the rest is theirs to have erased."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from store.ids import new_id
from store.tables.access import Audit

SAID = "said"
"""Where the reason that somebody gave stands, in what is kept of `after`."""

COMMAND_LINE = "command line"
"""The actor of what is done on the machine itself, where nobody shows a key."""


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
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        before = {name: value for name, value in before.items() if name in changed}
        after = {name: value for name, value in after.items() if name in changed}
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
