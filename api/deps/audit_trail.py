"""Who changed what, on record in the transaction that changes it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel

from api.deps.transactions import Now, Writing
from services.access import audit_log


class Trail:
    """Puts changes on record, in the transaction that makes them."""

    def __init__(self, request: Request, session: Writing, now: Now) -> None:
        self._request = request
        self._session = session
        self._now = now

    def note(
        self,
        action: str,
        kind: str,
        target: str,
        before: BaseModel | None = None,
        after: BaseModel | None = None,
        said: str = "",
    ) -> None:
        """`action` on the thing of `kind` named `target`, as it was shown before and is shown now.

        `said` is why, in the words of whoever did it.
        """
        caller, now = self._request.state.caller, self._now
        audit_log.record(self._session, caller, action, kind, target, now, _plain(before), _plain(after), said)

    def names(self, action: str, kind: str, target: str, changed: Mapping[str, Any]) -> None:
        """The same of a customer: only the names of what changed are kept."""
        after = {"changed": sorted(changed)[:100]}
        audit_log.record(self._session, self._request.state.caller, action, kind, target, self._now, None, after)


def _plain(shown: BaseModel | None) -> dict[str, Any] | None:
    return shown.model_dump(mode="json") if shown is not None else None


TheTrail = Annotated[Trail, Depends(Trail)]
