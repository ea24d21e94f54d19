"""What a mail waits for that no clock brings: an address of the customer's, or hours that somebody mends.

For how long, under which reason, and since when it is due once it is asked about again. It must not know the policies.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from journeys.machine.inputs import Awaited

NO_COMMON_HOUR = "no_common_hour"
"""The reason of a mail whose hours never come as they are set."""

NEVER_MET = timedelta(days=3)
"""How long such a mail waits for its hours to be mended where it has no `expires`: as long as a broadcast's does."""

ASKED_AGAIN = timedelta(hours=6)
"""After so long such a mail is asked about again, so that it goes soon after its hours were mended."""

NO_ADDRESS_YET = "no_address_yet"
"""The reason of a mail that waits for an address."""

ADDRESS_AWAITED = timedelta(days=3)
"""How long a step's mail without `expires` waits for an address: who signs up gives it in that sitting or soon."""

AWAITED: Mapping[str, Awaited] = {NO_ADDRESS_YET: "address"}
"""What of the customer's a mail waits for that is deferred for a reason."""


def still_due(reason: str | None, due: datetime) -> datetime | None:
    """Since when a mail that is deferred for this reason is due when it is asked about again; None: since then."""
    return due if reason in (NO_COMMON_HOUR, NO_ADDRESS_YET) else None


def due_since(due: datetime, ready: datetime | None, email: str | None) -> datetime:
    """Since when a step's mail is due: where it waited for the address that there is now, since that came (`ready`)."""
    return due if ready is None or email is None else ready
