"""A new version and those who are under way: its plan, its publish, the way back."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend, TheBackend
from api.deps.permission import Marketer, Support, refuse_other_than_approvers
from api.deps.transactions import AnsweredWork, Now, TheAnsweredWork
from api.edge import publishing as publish_edge
from api.edge import repeated_keys
from api.edge.heavy_work import TheHeavyWork
from api.edge.idempotency import IdempotentRoute
from api.edge.judging import validation_around
from api.edge.published import published
from api.edge.publishing import MakeLive, WantedPublish
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.routes.journeys import JourneyKey
from api.schemas.journey_changes import (
    BesideIn,
    MovesIn,
    PlanIn,
    Published,
    PublishIn,
    ResumePlanOut,
    RollbackIn,
)
from api.schemas.operations import OperationOut
from journeys.changes.mapping import Moves
from journeys.changes.outcomes import Choices
from journeys.checks.lint import ValidationContext
from journeys.language.words import Late
from services.changes import resume_plan
from services.changes.planning import plan as plans
from services.changes.planning import written_moves
from services.changes.planning.plan import PlanRequest
from services.changes.planning.written_moves import WrittenMoves
from services.changes.resuming import ResumeScope
from services.definitions.journey_versions import drafts, journeys
from store.tables.definitions import JourneyVersion

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=IdempotentRoute)


@router.post("/{key}/plan", status_code=202, summary="Foresee a publish", responses=responses(404, 409, 422))
async def plan(
    key: JourneyKey,
    request: Request,
    parts: TheBackend,
    now: Now,
    caller: Marketer,
    heavy: TheHeavyWork,
    answered: TheAnsweredWork,
    body: PlanIn | None = None,
) -> OperationOut:
    """What the draft (an older version, a definition) would do to each customer who is under way.

    The answer is an operation to watch; nothing else happens. Its result counts them by kind (`stays`, `retimed`,
    `moves`, `rests`, `stranded`, `mails_again`, `mails_at_once`, `would_leave`, `pinned`, `unsettled`, `ended`) and by
    change, warns in sentences, tells the next month before and after, and has the token with which to publish.
    """
    asked, known = body or PlanIn(), await run_in_threadpool(parts.templates)
    text, definition = asked.definition, None
    if text is not None:
        draft = await heavy.run(
            lambda: drafts.read_draft(key, text, _with(validation_around(parts, key), asked.beside))
        )
        definition = draft.definition
    repeated_keys.refuse(await request.body())
    moves = _moves(asked.moves)
    wanted = PlanRequest(
        version=asked.version,
        definition=definition,
        moves=moves.moves,
        lines=moves.lines,
        choices=Choices(in_flight=asked.in_flight, on_change=asked.on_change, again=asked.again, spread=asked.spread),
        share=asked.share,
    )

    def work(session: Session) -> OperationOut:
        there = known | {*asked.beside.templates}
        shown = operation_out(plans.start(session, key, wanted, caller.id, now, there), now)
        Trail(request, session, now).note("planned", "journey", key, None, shown)
        return shown

    return await run_in_threadpool(answered.write, work)


def _with(around: ValidationContext, beside: BesideIn) -> ValidationContext:
    """What there is, and what is stored together with the definition; what stays unchecked stays so."""
    more = {name: getattr(around, name) for name in BesideIn.model_fields}
    return replace(
        around, **{name: known | {*getattr(beside, name)} for name, known in more.items() if known is not None}
    )


def _moves(given: MovesIn | str) -> WrittenMoves:
    if isinstance(given, str):
        return written_moves.read(given)
    return WrittenMoves(moves=Moves(stages=given.stages, steps=given.steps))


@router.post("/{key}/publish", summary="Publish the draft", responses=responses(404, 409, 422))
def publish(
    key: JourneyKey,
    parts: TheBackend,
    now: Now,
    caller: Marketer,
    answered: TheAnsweredWork,
    body: PublishIn | None = None,
) -> Published:
    """Make the draft the live version. Without more, those under way stay on the version they entered.

    With the token of a plan what was planned happens: they go over by an operation, or stay; with a `share` as many of
    those who come enter the new version, and the others the one before. `in_flight: pin` says that nobody goes over,
    whatever the plan tells; `move` by a plan that leaves everybody is refused (422). Where they have changed
    since they were counted, nothing is published, and the answer (409) tells the counts of now: plan again. Where the
    installation asks for approval, it needs the scope `approver` or `admin`, the draft's author is refused
    (`own_draft`), and a plan is named in any case.
    """
    if parts.approval:
        refuse_other_than_approvers(caller)
    known = parts.templates()
    return _published(
        key, parts, answered, now, caller.id, body or PublishIn(), None,
        lambda session, share: journeys.publish(session, key, known, now, parts.beside_store, caller.id, share),
        parts.approval,
    )  # fmt: skip


@router.post("/{key}/rollback", summary="Go back to an older version", responses=responses(404, 409, 422))
def rollback(
    key: JourneyKey, parts: TheBackend, now: Now, caller: Marketer, answered: TheAnsweredWork, body: RollbackIn
) -> Published:
    """A publish of an older version, as a version of its own; plan it with `version` first to take everybody along.

    Mails that went are not unsent, and stages that were left are not entered again.
    """
    known = parts.templates()

    def again(session: Session, share: int) -> tuple[JourneyVersion, bool]:
        plans.check_templates(journeys.definition(session, key, body.version), known)
        return journeys.publish_again(session, key, body.version, now, caller.id, share)

    return _published(key, parts, answered, now, caller.id, body, body.version, again)


def _published(
    key: str, parts: Backend, answered: AnsweredWork, now: datetime, by: str, asked: PublishIn, version: int | None,
    make_live: MakeLive, approved: bool = False,
) -> Published:  # fmt: skip
    """`approved` asks for the approval of a draft."""
    wanted = WantedPublish(
        key=key, by=by, in_flight=asked.in_flight, token=asked.token, version=version, approved=approved
    )
    show = partial(published, now=now)
    return show(publish_edge.publish(parts, wanted, now, make_live, answered.shown_as(show)))


@router.get("/{key}/resume-plan", summary="Foresee a resume", responses=responses(404))
async def resume_plan_(
    key: JourneyKey,
    parts: TheBackend,
    now: Now,
    caller: Support,
    heavy: TheHeavyWork,
    late: Annotated[Late | None, Query(description="what the resume would say of mails that are overdue")] = None,
    stage: Annotated[str | None, Query(description="the resume of this stage alone", max_length=63)] = None,
    enrollment: Annotated[str | None, Query(description="the resume of this one alone", max_length=40)] = None,
) -> ResumePlanOut:
    """What would go if the journey were resumed now: mails by step and by what becomes of them, with examples.

    Each overdue step by `late`, else by its own, behind the events of the meantime; and what is planned already and
    held. What stays paused beside sends nothing. Nothing is changed.
    """
    scope = ResumeScope(stage=stage, enrollment=enrollment, late=late)

    def look() -> ResumePlanOut:
        with parts.database.reading() as session:
            paused = resume_plan.is_paused(session, key, scope)
            found = resume_plan.of_journey(session, key, now, scope)
        return ResumePlanOut.model_validate({"journey": key, "paused": paused, **found.as_json()})

    return await heavy.run(look)
