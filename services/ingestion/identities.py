"""Whom events are about: the customers of a batch are found by a few statements, and locked in the order of their ids.

A customer has one id of yours, and any number of anonymous ones. Whoever names both says that they are the same person:
an anonymous profile becomes the known one, or is to be merged into it (`merging`). Somebody who was erased stays so.
After `find` everything is answered from memory; who is new is stored by whoever stores the events.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from services.ingestion.inboxes import Inboxes, into_the_first, said_by
from services.ingestion.rights import EVERYTHING, Rights
from services.ingestion.segment_api import IncomingEvent
from services.values import Rejected
from store import bulk
from store.ids import new_id
from store.queries.identity import customers, identities
from store.queries.identity.tombstones import ANONYMOUS, USER, Identifier
from store.session import CameBetween
from store.tables.customers import Customer


class Identities:
    """The customers of one transaction, by the ids that events name."""

    def __init__(self, now: datetime, rights: Rights = EVERYTHING, *, by_address: bool = False) -> None:
        self._now = now
        self._rights = rights
        self._inboxes: Inboxes | None = Inboxes() if by_address else None
        self._by_name: dict[Identifier, Customer | None] = {}
        self._erased: set[Identifier] = set()
        self._new: list[Customer] = []
        self._aliases: list[bulk.ColumnValues] = []
        self._became_known: list[Customer] = []

    def find(self, session: Session, events: Iterable[IncomingEvent]) -> Sequence[Customer]:
        """Look up everybody these events name, and lock them, all at once. Return who has a row.

        Raise CameBetween where one of them was merged or erased before the lock was there.
        """
        names = list(dict.fromkeys(name for event in events for name in _names(event)))
        self._by_name |= dict.fromkeys(names)
        owners, erased = identities.look_up(session, names)
        self._erased |= erased
        said = said_by(events) if self._inboxes is not None else set[str]()
        ids = {*owners.values(), *(customers.ids_by_email(session, said) if said else ())}
        found = {one.id: one for one in customers.lock_all(session, ids)} if ids else {}
        if any(owner not in found for owner in owners.values()):
            raise CameBetween("a customer was merged or erased before the lock was there")
        self._by_name |= {name: found[owner] for name, owner in owners.items()}
        for one in found.values():
            self.has_address(one)
        return list(found.values())

    def has_address(self, customer: Customer) -> None:
        """The customer has the address that stands on them, as far as that says who somebody is."""
        if self._inboxes is not None:
            self._inboxes.add(customer)

    def customer_of(self, event: IncomingEvent) -> Customer:
        """Whom an event is about: a new customer where nobody has its ids. Raise Rejected where they were erased."""
        if event.anonymous_id is None and event.previous_id is None:
            known = self._by_name[(USER, event.user_id or "")]
            if known is not None:
                return known
        self._refuse_erased(event)
        known = self._by_name[(USER, event.user_id)] if event.user_id else None
        anonymous = self._by_name[(ANONYMOUS, event.anonymous_id)] if event.anonymous_id else None
        customer = self._one(event, known, anonymous)
        if event.previous_id is not None:
            self._lead_here(customer, event.previous_id)
        return customer

    def named_by(self, event: IncomingEvent) -> Iterator[str]:
        """The ids of the customers whom an event names, as far as there are such."""
        for name in _names(event):
            customer = self._by_name[name]
            if customer is not None:
                yield customer.id

    def profiles_to_merge(self, event: IncomingEvent) -> Sequence[tuple[Customer, Customer]]:
        """Profiles which an event says are one person: each with the one that it is to go into.

        Raise Rejected where both are known customers, and whoever says so may not make one of two.
        """
        there = self._inboxes.profiles(event) if self._inboxes is not None else ()
        if event.anonymous_id is None and event.previous_id is None and not there:
            return ()
        self._refuse_two_known(event)
        if there:
            self._is_there(event, there[0])
        customer = self.customer_of(event)
        others = [self._by_name[(ANONYMOUS, event.anonymous_id)]] if event.anonymous_id else []
        others = [one for one in others if one is not None and one.external_id is None]
        if event.previous_id is not None:
            others += [self._by_name[(kind, event.previous_id)] for kind in (ANONYMOUS, USER)]
        sources = {one.id: one for one in others if one is not None and one is not customer}
        linked = [(source, customer) for source in sources.values()]
        return [*linked, *into_the_first([one for one in there if one.id not in sources], customer)]

    def merged(self, source: Customer, target: Customer) -> None:
        """The ids of a profile that is gone lead to the other from now on."""
        for name, customer in self._by_name.items():
            if customer is source:
                self._by_name[name] = target
        if self._inboxes is not None:
            self._inboxes.forget(source)

    def take_new(self) -> tuple[Sequence[Customer], Sequence[bulk.ColumnValues]]:
        """Customers and further ids that are not stored yet; from now on they count as stored."""
        new, aliases = self._new, self._aliases
        self._new, self._aliases = [], []
        return new, aliases

    def take_known(self) -> Sequence[Customer]:
        """Anonymous customers who said who they are; asked again, those who have since."""
        known, self._became_known = self._became_known, []
        return known

    def _is_there(self, event: IncomingEvent, customer: Customer) -> None:
        """Whoever is new by every id that an event names is the customer who has their address."""
        self._refuse_erased(event)
        names = _names(event)
        if event.previous_id is not None or any(self._by_name[name] is not None for name in names):
            return
        if event.user_id is not None and customer.external_id is None:
            self._becomes_known(event, customer)
        for name in names:
            if self._by_name[name] is None:
                self._also(customer, name)

    def _refuse_erased(self, event: IncomingEvent) -> None:
        for name in _names(event) if self._erased else ():
            if name in self._erased:
                raise Rejected("userId" if name[0] == USER else "anonymousId", "this customer was erased")

    def _refuse_two_known(self, event: IncomingEvent) -> None:
        """An id that is new may take over what a known customer has; nobody else may without the right to."""
        if event.previous_id is None or self._rights.merges:
            return
        target = self._by_name[(USER, event.user_id)] if event.user_id else None
        renamed = event.user_id is not None and target is None
        previous = [self._by_name[(kind, event.previous_id)] for kind in (ANONYMOUS, USER)]
        known = [one for one in previous if one is not None and one.external_id is not None and one is not target]
        if known and not renamed:
            raise Rejected("previousId", "is a known customer: a key with the scope marketer makes one of two")

    def _one(self, event: IncomingEvent, known: Customer | None, anonymous: Customer | None) -> Customer:
        if known is None and anonymous is None:
            return self._create(event, event.anonymous_id)
        if known is None:
            assert anonymous is not None
            return anonymous if event.user_id is None else self._becomes_known(event, anonymous)
        if event.anonymous_id and anonymous is None:
            self._also(known, (ANONYMOUS, event.anonymous_id))
        return known

    def _becomes_known(self, event: IncomingEvent, anonymous: Customer) -> Customer:
        """The first time an anonymous person says who they are; on a shared device somebody else may have before."""
        assert event.user_id is not None
        if anonymous.external_id is not None:
            return self._create(event, None)
        anonymous.external_id = event.user_id
        self._became_known.append(anonymous)
        self._by_name[(USER, event.user_id)] = anonymous
        return anonymous

    def _lead_here(self, customer: Customer, previous_id: str) -> None:
        """An id that nobody has, and that is said to have been the customer's, is theirs."""
        names = ((USER, previous_id), (ANONYMOUS, previous_id))
        if all(self._by_name[name] is None for name in names):
            for name in names:
                self._also(customer, name)

    def _also(self, customer: Customer, name: Identifier) -> None:
        if name[0] == ANONYMOUS and customer.anonymous_id is None:
            customer.anonymous_id = name[1]
        else:
            self._aliases.append(identities.alias(name, customer.id))
        self._by_name[name] = customer

    def _create(self, event: IncomingEvent, anonymous_id: str | None) -> Customer:
        customer = Customer(
            id=new_id("cus"),
            external_id=event.user_id,
            anonymous_id=anonymous_id,
            created_at=self._now,
            updated_at=self._now,
        )
        self._new.append(customer)
        for name in ((USER, customer.external_id), (ANONYMOUS, customer.anonymous_id)):
            if name[1] is not None:
                self._by_name[(name[0], name[1])] = customer
        return customer


def _names(event: IncomingEvent) -> list[Identifier]:
    """Every id that an event names, with what kind of id it may be."""
    names = [
        (USER, event.user_id),
        (ANONYMOUS, event.anonymous_id),
        (USER, event.previous_id),
        (ANONYMOUS, event.previous_id),
    ]
    return [(kind, value) for kind, value in names if value]
