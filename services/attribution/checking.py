"""Whether what mails are credited with adds up: the kept counts against the ledger, and the ledger against its orders.

It reads the whole ledger, so it is done at night; what was found then is kept with the settings, and told in the books.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.installation import value_fit
from store.queries.figures import credits, mail_results, message_counts
from store.queries.figures.mail_results import CREDITED, REVENUE, SENT
from store.statuses import MessageStatus
from value import attribution

KEPT = "revenue"
"""Under which name the last check is kept."""


def check(session: Session, now: datetime) -> Mapping[str, Any]:
    """Count anew, and keep what was found: `checked_at`, and each difference by its name."""
    found = {"checked_at": now.isoformat(), "differences": differences(session)}
    value_fit.keep(session, {KEPT: found}, now)
    return found


def last_check(session: Session) -> Mapping[str, Any]:
    """What the last night found; without one there is no instant and no difference."""
    return value_fit.kept_fit(session).get(KEPT) or {"checked_at": None, "differences": {}}


def differences(session: Session) -> dict[str, int]:
    """By name, in the smallest units of a currency or in mails and orders; empty where it adds up."""
    counted = mail_results.sums(session)
    ledger = {one.currency: one for one in credits.ledger_sums(session)}
    found = dict[str, int]()
    for currency in sorted({*ledger, *(currency for what, currency in counted if what.startswith(REVENUE))}):
        whole = counted.get((CREDITED, currency), (0, 0))[0]
        for model in attribution.MODELS:
            count, gone = counted.get((f"{REVENUE}{model}", currency), (0, 0))
            rows = getattr(ledger[currency], model) if currency in ledger else 0
            found[f"{model}_{currency}_counted_but_not_credited"] = count - gone - rows
            found[f"{model}_{currency}_of_mails_but_not_of_orders"] = count - whole
    found["orders_not_credited_whole"] = credits.orders_not_credited_whole(session)
    accepted = message_counts.in_status(session, MessageStatus.ACCEPTED)
    sent, gone = counted.get((SENT, ""), (0, 0))
    found["mails_sent_but_not_accepted"] = sent - gone - accepted
    return {name: count for name, count in found.items() if count}
