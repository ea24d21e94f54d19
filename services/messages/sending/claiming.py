"""Claiming due mails: every policy is asked again, and what passes is this owner's to hand over, once.

Campaigns take turns: each journey's (or broadcast's) oldest mail goes before anybody's second. The rows of everybody
who has the inbox are locked, so that two lanes which write to one inbox see each other's mail under a cap.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from journeys.rules import policy
from journeys.rules.policy import Allowed, Deferred, Skipped
from readers import locales
from services.customers.attributes import known_facts
from services.definitions import templates
from services.definitions.journey_versions import journeys
from services.definitions.pausing import told_at_resume
from services.definitions.templates import TemplateSource
from services.errors import Fenced
from services.installation import installation_settings, rates, value_fit
from services.installation.rates import Rate
from services.messages.deciding import origins, withdrawing
from services.messages.deciding.eligibility import Recipients
from services.messages.deciding.origins import Origin
from services.messages.sending import circuit_breaker, turns
from services.messages.sending.mail_request import MailRequest, Personalization
from services.messages.waiting import restored_ledger
from store.bulk import ColumnValues
from store.queries.definitions import broadcasts as broadcast_rows
from store.queries.definitions import templates as template_rows
from store.queries.enrollment import decisions, enrollments
from store.queries.identity import customers
from store.queries.mails import messages
from store.queries.sending import lanes, restores
from store.queries.sending.lanes import BROADCAST, JOURNEY, TRANSACTIONAL, DueMessage
from store.queries.sending.restores import LostTime
from store.statuses import MessageStatus
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer
from store.tables.definitions import TemplateVersion
from store.tables.enrollments import Enrollment
from store.tables.messages import Message

LEAVES: Mapping[str, float] = {TRANSACTIONAL: 0.0, JOURNEY: 0.1, BROADCAST: 0.3}
"""The share of the channel's rate that a lane leaves to those before it."""


log = structlog.get_logger("waypost.claiming")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingChannel:
    """The way out: the channel's name, and the rate that it bears where it has one."""

    channel: str
    rate: Rate | None = None


LOCAL = OutgoingChannel(channel="outbox")
"""The local outbox, which bears anything."""


def claim(
    session: Session,
    lane: str,
    fence: str,
    limit: int,
    now: datetime,
    way: OutgoingChannel = LOCAL,
    unexpected: Callable[[], None] = lambda: None,
) -> list[MailRequest]:
    """Claim due mails, `limit` at most: as many as the channel bears, fair between campaigns.

    Each is this owner's, to hand over once. What may not go (any more) is skipped or put off, on record; `unexpected`
    is called for each that fails with an error nobody expects. Raise Fenced where the lane has another owner.
    """
    if not lanes.is_owner(session, lane, fence):
        raise Fenced(f"the lane {lane} has another owner")
    limit = circuit_breaker.free_capacity(session, way.channel, limit, now)
    if way.rate is not None and limit:
        limit = rates.take(session, way.channel, way.rate, limit, now, LEAVES[lane])
    turn = turns.due(session, lane, limit, now) if limit else turns.NOBODYS
    claimed = _Claim(session, lane, fence, now, unexpected).take(turn.mails) if turn.mails else []
    if way.rate is not None:
        rates.give_back(session, {way.channel: limit - len(claimed)})
    turns.give_back(session, turn, {one.send_id for one in claimed})
    return claimed


# -- the claim itself --------------------------------------------------------------------------------------------------


class _Claim:
    """One claim: what the policies need is loaded at once for all its mails."""

    def __init__(self, session: Session, lane: str, fence: str, now: datetime, unexpected: Callable[[], None]) -> None:
        self._unexpected = unexpected
        self._session = session
        self._lane = lane
        self._fence = fence
        self._now = now
        self._settings, self._model = installation_settings.load(session), value_fit.load(session)
        self._origins: dict[tuple[str | None, ...], Origin] = {}
        self._sources: dict[tuple[str, int | None, Sequence[str]], TemplateSource | None] = {}
        self._versions: Mapping[str, TemplateVersion] = {}
        self._pinned: Mapping[tuple[str, int], TemplateVersion] = {}
        self._campaigns: Sequence[Broadcast] = ()  # held, so that the session knows them for as long as the claim lasts
        self._lost_time: LostTime | None = None
        self._late: Mapping[str, timedelta] = {}
        self._decisions: list[ColumnValues] = []

    def take(self, due: Sequence[DueMessage]) -> list[MailRequest]:
        """Claim what may go, and put on record what may not."""
        self._lost_time = due[0].lost_time
        if self._lost_time is not None:
            self._late = restores.said_again(self._session, {one.customer_id for one in due})
        requests = self._requests(due)
        decisions.add(self._session, self._decisions)
        mine = messages.claim(self._session, [one.send_id for one in requests], self._fence, self._now)
        return [one for one in requests if one.send_id in mine]

    def _requests(self, found: Sequence[DueMessage]) -> list[MailRequest]:
        session = self._session
        owners = self._lock(found)
        due = self._as_they_are(found, owners)
        self._versions = template_rows.newest(session, {one.template for one in due})
        self._pinned = template_rows.by_numbers(
            session, {(one.template, one.template_pin) for one in due if one.template_pin}
        )
        journeys.read_all(session, {one.digest for one in due if one.digest})
        self._campaigns = broadcast_rows.by_keys(session, {one.broadcast for one in due if one.broadcast})
        for message in due:
            self._address(message, owners.get(message.customer_id))
        inboxes = {one.email for one in due if one.email is not None}
        stands = Recipients(session, list(owners.values()), self._settings, self._now, inboxes)
        repeated = self._repeated(due)
        runs = enrollments.by_ids(session, {one.enrollment_id for one in due if one.enrollment_id})
        requests: list[MailRequest] = []
        for message in due:
            try:
                customer = owners.get(message.customer_id)
                origin = self._may_go(stands, customer, message, repeated, runs)
                if origin is not None and customer is not None:
                    requests.append(self._request(stands, customer, message, origin, runs))
            except DBAPIError:
                raise
            except Exception as error:
                self._fail(message, error)
        return requests

    def _lock(self, due: Sequence[DueMessage]) -> Mapping[str, Customer]:
        """Whom they are written to, and everybody who has one of these inboxes: what it has had is decided in turn."""
        owners = {one.customer_id for one in due}
        beside = customers.ids_by_email(self._session, (one.email for one in due if one.email is not None))
        locked = customers.lock_all(self._session, owners | beside)
        return {one.id: one for one in locked if one.id in owners}

    def _address(self, message: Message, customer: Customer | None) -> None:
        """It goes to the address that was planned with it; one that was planned without takes the present one."""
        if message.email is None and customer is not None:
            message.email = customer.email

    def _as_they_are(self, due: Sequence[DueMessage], owners: Mapping[str, Customer]) -> list[Message]:
        """The mails again, under the locks: one that was taken back, or that another customer has since, waits."""
        kept = messages.planned(self._session, [one.id for one in due])
        gone = {one.customer_id for one in due} - {*owners}
        found = [kept[one.id] for one in due if one.id in kept]
        return [one for one in found if one.customer_id in owners or one.customer_id in gone]

    def _fail(self, message: Message, error: Exception) -> None:
        """A mail about which something unexpected is raised ends alone, on record; its neighbours go."""
        log.error("mail_not_claimed", message=message.id, lane=self._lane, exc_info=error)
        self._unexpected()
        messages.change(self._session, message, MessageStatus.FAILED, self._now, reason="unexpected_error")
        detail = {"message": message.id, "template": message.template, "reason": "unexpected_error"}
        detail["explanation"] = type(error).__name__
        self._decisions.append(decisions.about(message, "failed", detail, self._now))

    def _may_go(
        self,
        stands: Recipients,
        customer: Customer | None,
        message: Message,
        repeated: set[tuple[str | None, str]],
        runs: Mapping[str, Enrollment],
    ) -> Origin | None:
        """Ask every policy again; what may not go is skipped or put off, on record."""
        now = self._now
        of = next((one for one in self._campaigns if one.key == message.broadcast), None)
        late = self._late.get(message.customer_id, timedelta())
        if restored_ledger.may_have_gone(message, of, self._lost_time, late):
            restored_ledger.doubt(self._session, message, now)
            return None
        origin = self._origin(message)
        names = {(message.broadcast, message.customer_id), (message.broadcast, message.email or message.customer_id)}
        if not names.isdisjoint(repeated):
            self._decisions.append(withdrawing.skip(self._session, message, "repeated", now))
            return None
        who = stands.recipient(customer, message.topic, message.email)
        limits = stands.limits(message.customer_id, message.topic, (), message.email)
        run = runs.get(message.enrollment_id or "")
        terms = told_at_resume.terms(self._session, origin.terms, run, message.stage, message.due, now)
        if run is not None and run.sent_past == message.id:
            terms, limits = policy.let_past(terms, limits)
        verdict = policy.decide(terms, who, due=message.due, now=now, limits=limits)
        why = stands.evidence(verdict, customer, message.topic, (), message.email)
        match verdict:
            case Skipped(reason=reason):
                self._decisions.append(withdrawing.skip(self._session, message, reason, now, why))
                return None
            case Deferred(until=until, reason=reason):
                message.not_before, message.updated_at = until, now
                detail = {"message": message.id, "template": message.template, "reason": reason, **why}
                detail["until"] = until.isoformat()
                self._decisions.append(decisions.about(message, "deferred", detail, now))
                return None
            case Allowed():
                stands.goes(message.customer_id, message.email, message.topic, message.id)
                if message.broadcast is not None:
                    repeated.update(names)
                return origin

    def _origin(self, message: Message) -> Origin:
        """The same for all mails of a step, or of a broadcast's variant."""
        name = (message.broadcast, message.variant, message.digest, message.step, message.template)
        found = self._origins.get(name)
        if found is None:
            found = self._origins[name] = origins.of(self._session, message)
        return found

    def _source(self, message: Message, wanted: Sequence[str]) -> TemplateSource | None:
        """The texts that it is pinned to, else the newest; None for a file."""
        template, pin = message.template, message.template_pin
        if (template, pin, wanted) not in self._sources:
            version = self._versions.get(template) if pin is None else self._pinned.get((template, pin))
            self._sources[template, pin, wanted] = templates.source_of(version, wanted) if version is not None else None
        return self._sources[template, pin, wanted]

    def _repeated(self, due: Sequence[Message]) -> set[tuple[str | None, str]]:
        """Who had this broadcast already: as another profile of the inbox, or as one that was merged."""
        if self._lane != BROADCAST:
            return set()
        keys = {one.broadcast for one in due if one.broadcast}
        emails = {one.email for one in due if one.email is not None}
        return {*broadcast_rows.had_by(self._session, keys, {one.customer_id for one in due}, emails)}

    def _request(
        self,
        stands: Recipients,
        customer: Customer,
        message: Message,
        origin: Origin,
        runs: Mapping[str, Enrollment],
    ) -> MailRequest:
        about = known_facts.attributes(customer)
        wanted = locales.wanted(about, self._settings.locale)
        enrollment = runs.get(message.enrollment_id or "")
        transactional = policy.transactional(origin.terms, stands.limits(customer.id, message.topic))
        follow = self._settings.tracking
        utm = None
        if follow.utm is not None and not transactional:
            utm = {
                "utm_source": follow.utm.source,
                "utm_medium": follow.utm.medium,
                "utm_campaign": origin.campaign,
                "utm_content": message.template,
            }
        return MailRequest(
            send_id=message.id,
            to=message.email or "",
            customer=customer.id,
            template=message.template,
            personal=Personalization(
                context={
                    "customer": known_facts.for_templates(customer, self._model, self._now),
                    "enrollment": {**enrollment.data, "key": enrollment.key} if enrollment else {},
                },
                locales=wanted,
                timezone=customer.timezone or origin.terms.timezone or self._settings.timezone,
            ),
            source=self._source(message, wanted),
            subject=origin.subject,
            topic=message.topic,
            topic_name=stands.topic_name(message.topic, wanted),
            transactional=transactional,
            campaign=origin.campaign,
            lane=self._lane,
            opens=follow.opens and not transactional,
            clicks=follow.clicks and not transactional,
            utm=utm,
            attempt=message.attempt + 1,
            trace=message.trace,
        )
