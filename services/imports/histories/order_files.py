"""Files of events read for their orders alone: nothing is stored, and nobody is asked."""

from datetime import datetime
from pathlib import Path

from services.imports.histories import event_histories
from services.imports.histories.event_histories import LineErrors
from services.ingestion.segment_api import IncomingEvent
from value import purchases
from value.histories import DaysOfOrders
from value.purchases import Purchases


def days_of_orders(path: Path, now: datetime, errors: LineErrors) -> list[DaysOfOrders]:
    """Each buyer's days with orders, worth what they are in the currency of most orders; wrong lines are counted."""
    grouped = event_histories.read_file(path, now, errors, need_ids=False)
    everybody = [_purchases(messages) for messages in grouped.values()]
    currency = purchases.main_currency(everybody)
    return [days for days in (one.days(currency) for one in everybody) if days]


def _purchases(messages: list[IncomingEvent]) -> Purchases:
    known = purchases.NONE
    for seq, message in enumerate(messages, start=1):
        known = purchases.fold(known, message.name, message.at, message.properties, seq, most=len(messages))
    return known
