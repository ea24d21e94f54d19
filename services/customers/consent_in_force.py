"""What holds about a topic: the later of what a customer said and of what was said at their address.

A *no* is the inbox's: it binds every profile with this address, whichever said it. A yes is whose it is: it lifts a no
that was said at the inbox before, and gives nobody else's consent. A yes that waits for its confirmation lifts nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from journeys.rules.policy import EVERY_TOPIC
from store.queries.consent import consents
from store.queries.consent.consents import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentInForce:
    """Whether mail about a topic is wanted; None where nobody said, or nobody has confirmed it (`pending`).

    Of a no, `source` is where it was said, `at` when (UTC), and `said_by` the customer whose word it was.
    """

    granted: bool | None = None
    pending: bool = False
    source: str | None = None
    at: datetime | None = None
    said_by: str | None = None


UNSAID = ConsentInForce()
"""Of a topic about which nobody said anything."""


class ConsentsInForce:
    """What holds for some customers and some addresses, loaded by one statement."""

    def __init__(self, session: Session, customer_ids: Iterable[str], emails: Iterable[str]) -> None:
        said = consents.said(session, [*customer_ids], {*emails})
        self._own = {(one.customer_id, one.topic): one for one in said if not one.email}
        self._there = {(one.email, one.topic): one for one in said if one.email}

    def topics(self) -> set[str]:
        """Every topic about which anything was said."""
        return {topic for _, topic in (*self._own, *self._there)} - {EVERY_TOPIC}

    def of(self, customer_id: str, email: str | None, topic: str) -> ConsentInForce:
        """What holds about the topic; a no to everything is one to each."""
        everything = self._about(customer_id, email, EVERY_TOPIC)
        return everything if everything.granted is False else self._about(customer_id, email, topic)

    def _about(self, customer_id: str, email: str | None, topic: str) -> ConsentInForce:
        own, there = self._own.get((customer_id, topic)), self._there.get((email or "", topic))
        if there is not None and (own is None or own.at < there.at):
            return _at_the_inbox(own, there)
        if own is None:
            return UNSAID
        if own.pending:
            return ConsentInForce(pending=True)
        return ConsentInForce(granted=own.granted, source=own.source, at=own.at, said_by=customer_id)


def _at_the_inbox(own: Said | None, there: Said) -> ConsentInForce:
    if there.granted and (own is None or own.pending):
        return ConsentInForce(pending=own is not None)
    return ConsentInForce(granted=there.granted, source=there.source, at=there.at, said_by=there.customer_id)
