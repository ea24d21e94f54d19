"""The books: whether they balance, and checks of everything that is kept in several places."""

from fastapi import APIRouter

from api.deps.audit_trail import TheTrail
from api.deps.permission import Admin, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import book_repairs
from api.edge.report_tables import TABLE, TABLE_ANSWERS, IdempotentReportRoute
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.routes.reports import ReportedJourney
from api.schemas.operations import OperationOut
from api.schemas.reconciliation import Reconciliation, Recounted
from services.reconciliation import reconciling
from services.reports.health import backlog
from services.reports.health.reconciliation import reconcile

router = APIRouter(prefix="/v1/reports/reconciliation", tags=["reports"], route_class=IdempotentReportRoute)


@router.get("", summary="Do the books balance?", responses={**TABLE_ANSWERS, **responses(422)}, **TABLE)
def books(
    session: Reading, caller: Support, now: Now, journey: ReportedJourney = None, recount: Recounted = False
) -> Reconciliation:
    """Whether the books balance, with each difference named.

    entered = live + ended; planned = accepted + failed + skipped + waiting + unknown + parked. Beside it, who stands
    still though something is due, and what the last check of everything has left open.
    """
    found = reconcile(session, journey, recount=recount)
    return Reconciliation.model_validate(found | backlog.standing_still(session, now))


@router.post("/check", status_code=202, summary="Compare everything", responses=responses(409))
def check(session: Writing, now: Now, caller: Support) -> OperationOut:
    """Counts, series, the ledger, the dispatch table and Temporal's workflows with what they speak of.

    Nothing is changed; the operation's `result` has each difference with its repair.
    """
    return operation_out(reconciling.start(session, now, caller.id, repair=False), now)


@router.post("/repair", status_code=202, summary="Repair what differs", responses=responses(409))
def repair(session: Writing, now: Now, caller: Admin, trail: TheTrail) -> OperationOut:
    """The same, and each difference is repaired where there is a way; nothing of the past happens again."""
    return book_repairs.start(session, trail, caller.id, now)
