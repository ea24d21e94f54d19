"""Webhooks, notes, and rows on their way to Temporal: tried again or given up, on record. For the API and the pages."""

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.schemas.dispatches import DispatchOut
from api.schemas.hooks import HookOut
from services.enrollments import hooks
from services.enrollments.controls import stuck_dispatches

HookControl = Literal["retry", "cancel"]


def control_hook(session: Session, trail: Trail, id: str, verb: HookControl, now: datetime, said: str = "") -> HookOut:
    """Call again, or give a call up; raise NotFound, or Refused where its state forbids it."""
    before = HookOut.model_validate(hooks.get(session, id))
    change, what = (hooks.retry, "retried") if verb == "retry" else (hooks.cancel, "cancelled")
    after = HookOut.model_validate(change(session, id, now))
    trail.note(what, "hook", id, before, after, said)
    return after


def control_dispatch(session: Session, trail: Trail, id: int, verb: HookControl, said: str = "") -> DispatchOut:
    """Let a row go again, or give it up; raise NotFound, or Refused where it is not stuck."""
    if verb == "retry":
        shown = DispatchOut.model_validate(stuck_dispatches.retry(session, id))
        trail.note("retried", "dispatch", str(id), None, shown, said)
    else:
        shown = DispatchOut.model_validate(stuck_dispatches.cancel(session, id))
        trail.note("cancelled", "dispatch", str(id), shown, None, said)
    return shown
