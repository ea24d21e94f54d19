"""The three questions of the core, each answered in one transaction of its own."""

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.signatures import ASK, PLAN, SETTLE, CommandBatch
from journeys.machine.inputs import Answer, Interrupted
from services.enrollments import wake
from services.errors import NotFound
from store.session import Database


class _Answering:
    """Shared by the three: record and answer, under the customer's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _perform(self, call: CommandBatch) -> Answer | Interrupted:
        def work(session: Session) -> Answer | Interrupted:
            return wake.perform(
                session, call.enrollment, call.records, call.question, now=call.now, fence=call.fence, gate=call.gate
            )

        try:
            return self._database.write(work)
        except NotFound as gone:
            raise ApplicationError(gone.message, type="NotFound", non_retryable=True) from None


class AskActivity(_Answering):
    """Facts about the customer: guards, last activity, local times."""

    @activity.defn(name=ASK)
    def ask(self, call: CommandBatch) -> Answer | Interrupted:
        """Facts about the customer as of the question's instant, recorded with the decisions before it.

        Each of the three answers Interrupted where the call's fence or gate says so, and raises ApplicationError
        `NotFound`, for good, where the enrollment is gone with its customer.
        """
        return self._perform(call)


class PlanActivity(_Answering):
    """Whether a mail may go, now, later or not at all."""

    @activity.defn(name=PLAN)
    def plan(self, call: CommandBatch) -> Answer | Interrupted:
        """Whether the mail of a step is planned, deferred or skipped, with its row in the ledger."""
        return self._perform(call)


class SettleActivity(_Answering):
    """Where the enrollment stands and what it waits for."""

    @activity.defn(name=SETTLE)
    def settle(self, call: CommandBatch) -> Answer | Interrupted:
        """Where the enrollment stands now and what it waits for, as ingestion and reports see it."""
        return self._perform(call)
