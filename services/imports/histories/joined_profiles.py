"""Who in a file of events is another customer, by the address that they say.

Where the installation makes one profile of all who have an address, an import must not make two of them again. How they
become one is not known here: whoever is named goes the way of live events.
"""

from collections.abc import Sequence

from sqlmodel import Session

from services.ingestion.inboxes import said_by
from services.ingestion.segment_api import IncomingEvent
from services.installation import installation_settings
from store.queries.identity import customers

Work = tuple[str, list[IncomingEvent]]
"""A customer's name in the file, and their events in the order of their instants."""


def joined_by_address(session: Session, chunk: Sequence[Work]) -> set[str]:
    """The names of those who are another customer by the address that they say, where the setting is on.

    Of a chunk that is all but the first who say it, and everybody where it is a customer's already.
    """
    if not installation_settings.load(session).one_profile_per_address:
        return set()
    said = {name: said_by(messages) for name, messages in chunk}
    taken = customers.addresses_of_somebody(session, {one for those in said.values() for one in those})
    joined = set[str]()
    for name, those in said.items():
        if not taken.isdisjoint(those):
            joined.add(name)
        taken |= those
    return joined
