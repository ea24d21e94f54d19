"""Asking for an approval: who wrote a draft asks that it be published as its plan has told, and an approver decides.

A journey has one open request at most: whoever asks again withdraws what was asked before. A request speaks of one
revision of the draft, so what was changed since is asked for anew. To confirm is to publish (`settle` is called in that
very transaction), and so is a publish of the same revision by any other way. Who may approve is `approval`'s to say.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from services.changes.planning import plan
from services.changes.publication import publishing
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput, NotFound, Refused
from services.operations import operations
from store.ids import new_id
from store.queries.access import approvals as rows
from store.statuses import ApprovalStatus
from store.tables.access import Operation
from store.tables.approvals import ApprovalRequest
from store.tables.definitions import Journey, JourneyVersion

LONGEST = 1_000
"""Characters of a note or a reason: some sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedApproval:
    """The journey, by which plan it is to be published (None where nobody is under way), and what to know about it.

    `in_flight` is what becomes of those under way, None: as it was planned.
    """

    key: str
    plan: str | None
    in_flight: Literal["pin", "move"] | None
    note: str = ""


def ask(session: Session, wanted: WantedApproval, by: str, now: datetime) -> ApprovalRequest:
    """Ask that the draft be published; what was asked about this journey before is withdrawn.

    Raise NotFound where there is no journey or no draft, InvalidInput where customers may be under way and no plan is
    named or they are to be moved by a plan that pins them, Refused where the plan is not done, of another draft, or
    older than 15 minutes.
    """
    in_flight = wanted.in_flight or "pin"
    journey = journeys.held(session, wanted.key)
    journeys.draft_or(session, wanted.key, None)
    if journey.live_version is None:
        if wanted.plan is not None:
            raise InvalidInput("the journey was never published, so there is nothing to plan", "plan")
    elif wanted.plan is None:
        raise InvalidInput("the plan is part of what is approved: plan first, and give its token", "plan")
    else:
        planned = publishing.named(session, wanted.key, wanted.plan, now)
        if planned.request["version"] is not None:
            raise InvalidInput("the plan is of another version; plan the draft", "plan")
        in_flight = publishing.in_flight(planned, wanted.in_flight)
    before = rows.open_of(session, wanted.key)
    if before is not None:
        _decide(session, before, ApprovalStatus.WITHDRAWN, by, now, "asked anew")
        session.flush()
    made = ApprovalRequest(
        id=new_id("apr"), journey=wanted.key, revision=journey.revision, plan=wanted.plan,
        in_flight=in_flight, note=wanted.note.strip()[:LONGEST], asked_by=by, created_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def get(session: Session, key: str, id: str) -> ApprovalRequest:
    """A request of a journey, open or not; raise NotFound."""
    found = session.get(ApprovalRequest, id)
    if found is None or found.journey != key:
        raise NotFound(f"there is no request {id!r:.60} about the journey {key!r}")
    return found


def waiting(session: Session, key: str, id: str) -> ApprovalRequest:
    """A request that can be confirmed as it was asked.

    Raise NotFound, Refused where it is decided (`decided`), or the draft was changed since (`other_draft`).
    """
    found = get(session, key, id)
    if found.status != ApprovalStatus.OPEN:
        raise Refused(f"the request is {found.status} already", "decided")
    if journeys.get(session, key).revision != found.revision:
        raise Refused("the draft was changed since this was asked; whoever wrote it asks again", "other_draft")
    return found


def count_anew(
    session: Session, key: str, id: str, by: str, now: datetime, templates: frozenset[str]
) -> Operation | None:
    """Plan once more on the same terms, and let the request speak of that; None where there is nothing to plan.

    Raise as `waiting` does, and NotFound where the plan has been let go of since.
    """
    journeys.held(session, key)
    request = waiting(session, key, id)
    if request.plan is None:
        return None
    former = operations.get(session, request.plan)
    made = plan.start(session, key, plan.asked_by_plan(former), by, now, templates)
    request.plan = made.id
    session.add(request)
    return made


def decline(session: Session, key: str, id: str, by: str, reason: str, now: datetime) -> ApprovalRequest:
    """Say no, and why. Whoever asked withdraws it by this, and needs no reason.

    Raise NotFound, Refused where it is decided already, InvalidInput where there is no reason.
    """
    journeys.held(session, key)
    request = get(session, key, id)
    if request.status != ApprovalStatus.OPEN:
        raise Refused(f"the request is {request.status} already", "decided")
    own, why = request.asked_by == by, reason.strip()[:LONGEST]
    if not own and not why:
        raise InvalidInput("say why, so that whoever asked can mend it", "reason")
    return _decide(session, request, ApprovalStatus.WITHDRAWN if own else ApprovalStatus.DECLINED, by, now, why)


def settle(session: Session, before: Journey, live: JourneyVersion, by: str, now: datetime) -> None:
    """The draft was published, as a version: what was asked about that very revision is confirmed by it.

    What was asked about an earlier one is withdrawn, since nobody publishes that any more.
    """
    request = rows.open_of(session, before.key)
    if request is None:
        return
    if request.revision == before.revision:
        request.version = live.number
        _decide(session, request, ApprovalStatus.CONFIRMED, by, now, "")
    else:
        _decide(session, request, ApprovalStatus.WITHDRAWN, by, now, "a later draft was published")


def _decide(
    session: Session, request: ApprovalRequest, status: ApprovalStatus, by: str, now: datetime, why: str
) -> ApprovalRequest:
    request.status, request.decided_by, request.decided_at, request.reason = status, by, now, why or None
    session.add(request)
    return request
