"""The ledger's row of a step's mail, and what the policies made of it; whether it may go is not asked here."""

from dataclasses import dataclass
from datetime import datetime

from journeys.machine.commands import Plan
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from store import bulk
from store.ids import message_of_step
from store.queries.mails import messages
from store.queries.sending.lanes import JOURNEY, TRANSACTIONAL
from store.statuses import MessageStatus
from store.trace_context import CURRENT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutcome:
    """What the policies make of a mail: its status, the reason for it, and when it may go (UTC)."""

    status: MessageStatus = MessageStatus.PLANNED
    reason: str | None = None
    not_before: datetime | None = None


def message_row(
    program: Program,
    enrollment_id: str,
    customer_id: str,
    asked: Plan,
    send: SendNode,
    now: datetime,
    fate: PlanOutcome,
    source: str | None = None,
) -> bulk.ColumnValues:
    """The columns of a new mail of a step; `source` is the customer's, of a mail that may go."""
    return messages.row(
        message_of_step(enrollment_id, asked.step, asked.visit),
        customer_id,
        template=send.template,
        topic=send.terms.topic,
        lane=TRANSACTIONAL if send.terms.transactional else JOURNEY,
        due=asked.due,
        now=now,
        not_before=fate.not_before,
        status=fate.status,
        reason=fate.reason,
        enrollment_id=enrollment_id,
        journey=program.journey,
        digest=program.digest,
        stage=asked.stage,
        step=asked.step,
        visit=asked.visit,
        variant=program.variants.get(NodeId(asked.step)),
        source=source,
        trace=CURRENT.get(),
    )
