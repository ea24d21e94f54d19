"""Asking for an approval, confirming and declining it, for the API's calls and for the pages' forms; all on record."""

from datetime import datetime

from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.transactions import Write
from api.edge import publishing as publish_edge
from api.edge.publishing import DonePublish, WantedPublish
from api.schemas.approvals import ApprovalOut
from services.access import audit_log
from services.access.keys import persons
from services.changes.publication import approval_requests
from services.changes.publication.approval_requests import WantedApproval
from services.changes.publication.publishing import Drifted
from services.definitions.journey_versions import journeys
from services.errors import Refused
from store.tables.access import Operation
from store.tables.definitions import JourneyVersion

OLD = "old_token"
"""The code of a plan that is older than 15 minutes (`services.changes.publication.publishing`)."""


def ask(parts: Backend, wanted: WantedApproval, by: str, now: datetime, write: Write[ApprovalOut]) -> ApprovalOut:
    """Ask; raise as `approval_requests.ask` does, and Refused where nobody has to approve."""
    if not parts.approval:
        raise Refused("here nobody has to approve (WAYPOST_APPROVAL): publish it", "no_approval")

    def work(session: Session) -> ApprovalOut:
        shown = ApprovalOut.model_validate(approval_requests.ask(session, wanted, by, now))
        after = shown.model_dump(mode="json", include={"revision", "plan", "in_flight"})
        audit_log.record(session, by, "asked for approval of", "journey", wanted.key, now, None, after, wanted.note)
        return shown

    return write(work)


def decline(key: str, id: str, by: str, reason: str, now: datetime, write: Write[ApprovalOut]) -> ApprovalOut:
    """Say no, or withdraw what one asked for oneself; raise as `approval_requests.decline` does."""

    def work(session: Session) -> ApprovalOut:
        shown = ApprovalOut.model_validate(approval_requests.decline(session, key, id, by, reason, now))
        changes = {"approval": "open"}, {"approval": shown.status}
        action = f"{'withdrew' if shown.status == 'withdrawn' else 'declined'} the approval of"
        audit_log.record(session, by, action, "journey", key, now, *changes, reason)
        return shown

    return write(work)


def confirm(
    parts: Backend, key: str, id: str, plan: str | None, by: str, now: datetime, write: Write[DonePublish]
) -> DonePublish:
    """Publish as it was asked for, with exactly the plan that the request names: `plan`, else raise Refused.

    Where those under way have changed since, or the plan is old, nothing is published; it is counted anew, and the
    request speaks of that plan. Raise Drifted, with the new plan's `token`; Refused, NotFound, InvalidJourney.
    """
    known = parts.templates()
    with parts.database.reading() as session:
        asked = ApprovalOut.model_validate(approval_requests.waiting(session, key, id))
        author = journeys.get(session, key).drafted_by
        own = asked.asked_by != author and persons.same(session, asked.asked_by, by)  # who wrote it is told so below
    if own:
        raise Refused("you asked for it yourself, and another one confirms it", "own_request")
    if asked.plan != plan:
        raise Refused("it is counted anew since you looked; look at that plan, and confirm that", "other_plan")
    wanted = WantedPublish(key=key, by=by, in_flight=asked.in_flight, token=asked.plan, approved=True, request=id)

    def make_live(session: Session, share: int) -> tuple[JourneyVersion, bool]:
        return journeys.publish(session, key, known, now, parts.beside_store, by, share)

    try:
        return publish_edge.publish(parts, wanted, now, make_live, write)
    except Drifted as drifted:
        made = count_anew(parts, key, id, by, now)
        raise Drifted(drifted.kinds, {**drifted.now, "token": made.id if made is not None else None}) from None
    except Refused as refused:
        made = count_anew(parts, key, id, by, now) if refused.path == OLD else None
        if made is None:
            raise
        told = f"the plan was older than 15 minutes, and is counted anew: look at {made.id}, and confirm that"
        raise Refused(told, OLD) from None


def count_anew(parts: Backend, key: str, id: str, by: str, now: datetime) -> Operation | None:
    """Plan once more for a request, on record; raise as `approval_requests.count_anew` does."""
    templates = parts.templates()

    def work(session: Session) -> Operation | None:
        made = approval_requests.count_anew(session, key, id, by, now, templates)
        if made is not None:
            audit_log.record(session, by, "planned", "journey", key, now, None, {"id": made.id, "approval": id})
        return made

    return parts.database.write(work)
