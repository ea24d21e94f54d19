"""Whom messages are about: the customers of a batch are found with a few queries, and locked in one order.

A customer has one id of yours, and any number of anonymous ones. Whoever names both says that they are the same person:
an anonymous profile becomes the known one, or is merged into it (`merging`). Somebody who was erased stays so.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from services.ingestion import merging
from services.ingestion.segment_api import Tracked
from services.values import Rejected
from store.ids import new_id
from store.queries import tombstones
from store.queries.tombstones import ANONYMOUS, USER, Name
from store.tables.customers import Alias, Customer
from store.tables.enrollments import Interest

PART = 500


class People:
    """The customers of one transaction, by the ids that messages use."""

    def __init__(self, session: Session, now: datetime, settle: Callable[[], None]) -> None:
        """`settle` stores what happened so far: it is called before two profiles become one."""
        self._session = session
        self._now = now
        self._settle = settle
        self._merged = False
        self._by_name: dict[Name, Customer | None] = {}
        self._erased: set[Name] = set()
        self._waiting: dict[str, set[str]] = {}

    def gather(self, messages: Iterable[Tracked]) -> None:
        """Find everybody these messages are about, and lock them."""
        names = list(dict.fromkeys(name for message in messages for name in _names(message)))
        for start in range(0, len(names), PART):
            self._find(names[start : start + PART])

    def resolve(self, message: Tracked) -> tuple[Customer, bool]:
        """The customer of a message (a new one where nobody has this id), and whether profiles were merged for it."""
        self._merged = False
        if message.anonymous_id is None and message.type != "alias":
            known = self._by_name.get((USER, message.user_id or ""))
            if known is not None:
                return known, False
        for name in _names(message):
            if name not in self._by_name:
                self._find([name])
            if name in self._erased:
                raise Rejected("userId" if name[0] == USER else "anonymousId", "this customer was erased")
        known = self._by_name[(USER, message.user_id)] if message.user_id else None
        anonymous = self._by_name[(ANONYMOUS, message.anonymous_id)] if message.anonymous_id else None
        customer = self._one(message, known, anonymous)
        if message.type == "alias" and message.previous_id:
            self._alias(customer, message.previous_id)
        return customer, self._merged

    def waits(self, customer: Customer, name: str) -> bool:
        """Whether an enrollment of the customer waits for this event."""
        waiting = self._waiting.get(customer.id)
        if waiting is None:
            query = select(Interest.name).where(Interest.customer_id == customer.id)
            waiting = self._waiting[customer.id] = set(self._session.exec(query).all())
        return name in waiting or "*" in waiting

    # -- who is who ----------------------------------------------------------------------------------------------------

    def _one(self, message: Tracked, known: Customer | None, anonymous: Customer | None) -> Customer:
        if known is None and anonymous is None:
            return self._create(message, message.anonymous_id)
        if known is None:
            assert anonymous is not None
            return anonymous if message.user_id is None else self._becomes_known(message, anonymous)
        if message.anonymous_id and anonymous is None:
            self._also(known, (ANONYMOUS, message.anonymous_id))
        elif anonymous is not None and anonymous is not known and anonymous.external_id is None:
            self._merge(anonymous, known)
        return known

    def _becomes_known(self, message: Tracked, anonymous: Customer) -> Customer:
        """The first time an anonymous person says who they are; on a shared device somebody else may have before."""
        assert message.user_id is not None
        if anonymous.external_id is not None:
            return self._create(message, None)
        anonymous.external_id = message.user_id
        self._session.add(anonymous)
        self._by_name[(USER, message.user_id)] = anonymous
        return anonymous

    def _alias(self, customer: Customer, previous_id: str) -> None:
        """`previous_id` was the same person's: a profile of that id is merged, and the id is known from now on."""
        for name in ((ANONYMOUS, previous_id), (USER, previous_id)):
            previous = self._by_name.get(name)
            if previous is not None and previous is not customer:
                self._merge(previous, customer)
        if all(self._by_name.get(name) is None for name in ((ANONYMOUS, previous_id), (USER, previous_id))):
            self._also(customer, (USER, previous_id))
            self._also(customer, (ANONYMOUS, previous_id))

    def _also(self, customer: Customer, name: Name) -> None:
        if name[0] == ANONYMOUS and customer.anonymous_id is None:
            customer.anonymous_id = name[1]
        else:
            self._session.flush()
            self._session.add(Alias(kind=name[0], value=name[1], customer_id=customer.id))
        self._by_name[name] = customer

    def _merge(self, source: Customer, target: Customer) -> None:
        self._settle()
        merging.merge(self._session, source, target, self._now)
        self._merged = True
        self._waiting.pop(target.id, None)
        for name, customer in self._by_name.items():
            if customer is source:
                self._by_name[name] = target

    def _create(self, message: Tracked, anonymous_id: str | None) -> Customer:
        now = self._now
        customer = Customer(
            id=new_id("cus"), external_id=message.user_id, anonymous_id=anonymous_id, created_at=now, updated_at=now
        )
        self._session.add(customer)
        self._waiting[customer.id] = set()
        for kind, value in ((USER, customer.external_id), (ANONYMOUS, customer.anonymous_id)):
            if value is not None:
                self._by_name[(kind, value)] = customer
        return customer

    # -- finding -------------------------------------------------------------------------------------------------------

    def _find(self, names: Sequence[Name]) -> None:
        """Look up, in few queries, whoever has one of these ids."""
        users, visitors = [v for k, v in names if k == USER], [v for k, v in names if k == ANONYMOUS]
        aliases = self._aliases(users, visitors)
        mine = col(Customer.external_id).in_(users) | col(Customer.anonymous_id).in_(visitors)
        owners = list(dict.fromkeys(aliases.values()))
        query = select(Customer).where((mine | col(Customer.id).in_(owners)) if owners else mine)
        found = self._session.exec(query.order_by(col(Customer.id)).with_for_update()).all()
        by_id = {one.id: one for one in found}
        here: dict[Name, Customer | None] = dict.fromkeys(names)
        for one in found:
            here |= {(k, v): one for k, v in ((USER, one.external_id), (ANONYMOUS, one.anonymous_id)) if v is not None}
        here |= {name: by_id[owner] for name, owner in aliases.items() if owner in by_id}
        self._by_name |= here
        self._look_for_waiting(by_id)
        self._erased |= tombstones.buried(self._session, names)

    def _aliases(self, users: Sequence[str], visitors: Sequence[str]) -> dict[Name, str]:
        query = select(Alias).where(
            ((col(Alias.kind) == USER) & col(Alias.value).in_(users))
            | ((col(Alias.kind) == ANONYMOUS) & col(Alias.value).in_(visitors))
        )
        return {(one.kind, one.value): one.customer_id for one in self._session.exec(query).all()}

    def _look_for_waiting(self, found: Iterable[str]) -> None:
        fresh = [one for one in found if one not in self._waiting]
        self._waiting |= {one: set() for one in fresh}
        query = select(Interest.customer_id, Interest.name).where(col(Interest.customer_id).in_(fresh))
        for customer_id, name in self._session.exec(query) if fresh else ():
            self._waiting[customer_id].add(name)


def _names(message: Tracked) -> list[Name]:
    names = [(USER, message.user_id), (ANONYMOUS, message.anonymous_id)]
    if message.type == "alias":
        names += [(USER, message.previous_id), (ANONYMOUS, message.previous_id)]
    return [(kind, value) for kind, value in names if value]
