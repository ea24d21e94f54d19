"""Letting many in on behalf of one operation: each once, each refusal on record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.definitions.journey_versions import journeys
from services.enrollments.entering import entry
from services.enrollments.entering.entry import Admission, Request
from services.errors import Refused
from store.bulk import turns
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.tables.access import Operation

Wanted = tuple[str, Mapping[str, Any]]
"""The id of a customer, and the data of their enrollment."""


def enroll_all(session: Session, operation: Operation, wanted: Sequence[Wanted], now: datetime) -> list[bool | Refused]:
    """Enroll many, in their order; return of each whether they were, or the refusal, which is on record then.

    False is for those whom this very operation has enrolled before, and for those who are gone.
    """
    try:
        version, program = journeys.live(session, operation.request["journey"])
    except Refused as refused:
        return [refused] * len(wanted)
    source = f"operation {operation.id}"
    by_id = {one.id: one for one in customers.lock_all(session, {customer_id for customer_id, _ in wanted})}
    begun = enrollments.begun_by(session, version.journey, source, list(by_id))
    outcomes: list[bool | Refused] = [False] * len(wanted)
    for turn in turns(enumerate(wanted), lambda one: one[1][0]):
        there = [(index, data, customer_id) for index, (customer_id, data) in turn if customer_id in {*by_id} - begun]
        requests = [
            Request(
                customer=by_id[customer_id],
                admission=Admission(source=source, data=data, priority=Priority.BULK_START),
                about={"operation": operation.id},
            )
            for _, data, customer_id in there
        ]
        started = entry.enroll_all(session, version, program, requests, now)
        for (index, _, customer_id), outcome in zip(there, started, strict=True):
            outcomes[index] = outcome if isinstance(outcome, Refused) else True
            begun |= set() if isinstance(outcome, Refused) else {customer_id}
    return outcomes
