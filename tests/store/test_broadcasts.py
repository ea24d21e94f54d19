"""Broadcasts: planned in bulk with the policies asked of each, sent by the lane, paused, cancelled, tested A against B."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import col, select

from mail.providers.events import Feedback
from services.customers import suppressions
from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.errors import InvalidInput, NotFound, Refused
from services.feedback import complaint_brake, consents, delivery_events
from services.imports import import_file
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.jobs import plan_broadcast
from services.messages import claiming, sending_ledger
from services.messages.sending_ledger import AttemptResult
from services.operations import operations
from services.reports import customer_view
from services.upkeep import broadcast_clock
from store.queries import messages
from store.session import Database
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast
from store.tables.customers import Customer, Segment, SegmentMember
from store.tables.enrollments import Decision
from store.tables.messages import Message

KNOWN = frozenset({"spring", "summer"})
ZONES = {"ann": "Europe/Berlin", "bob": "America/Los_Angeles", "cyd": "Asia/Tokyo", "dan": None}


class Desk:
    """A marketer's desk: everything is done as the API, the upkeep, the operation and the lane do it."""

    def __init__(self, database: Database, take: Callable[..., Any], at: datetime) -> None:
        self.database, self._take, self.at = database, take, at

    def people(self, *users: str, **traits: Any) -> None:
        """Customers, in the segment `all`."""
        for user in users:
            zone = {"timezone": ZONES[user]} if ZONES.get(user) else {}
            attributes = {"email": f"{user}@example.com", "first_name": user, **zone, **traits}
            self._take({"type": "identify", "userId": user, "traits": attributes}, at=self.at)
        with self.database.writing() as session:
            if session.get(Segment, "all") is None:
                session.add(Segment(key="all", guard="true", created_at=self.at, updated_at=self.at))
            for user in users:
                customer = customer_view.customer(session, user)
                session.merge(SegmentMember(segment="all", customer_id=customer.id, since=self.at))

    def put(self, key: str = "spring", **body: Any) -> None:
        wanted = {"segment": "all", "template": "spring", "topic": "news", **body}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        with self.database.writing() as session:
            broadcasts.put(session, key, BroadcastIn.model_validate(wanted), KNOWN, self.at)

    def do(self, action: Callable[..., Any], key: str = "spring", *more: Any) -> Any:
        with self.database.writing() as session:
            return action(session, key, *more, self.at)

    def ticks(self, **later: float) -> None:
        """Time passes; the clock's work is done, and operations run to their end."""
        self.at += timedelta(**later)
        with self.database.writing() as session:
            broadcast_clock.run_due(session, self.at)
        self.operate()

    def operate(self) -> None:
        with self.database.reading() as session:
            queued = session.exec(select(Operation).where(Operation.status == "queued")).all()
        for one in queued:
            self.run(one)

    def run(self, operation: Operation) -> dict[str, Any]:
        kinds = {
            broadcast_clock.PLAN: plan_broadcast.pages,
            broadcast_clock.PREVIEW: plan_broadcast.preview,
            broadcast_clock.CANCEL: plan_broadcast.cancel,
        }
        with self.database.writing() as session:
            operations.begin(session, operation.id, self.at)
        for page in kinds[operation.kind](self.database, operation, lambda: self.at):
            with self.database.writing() as session:
                if operations.advance(session, operation.id, page) is None:
                    break
        with self.database.writing() as session:
            operations.close(session, operation.id, self.at)
            return operations.get(session, operation.id).result or {}

    def send(self, key: str = "spring") -> None:
        self.do(broadcasts.schedule, key)
        self.ticks()

    def deliver(self, limit: int = 100, **later: float) -> list[tuple[str, str]]:
        """Let the lane claim and the provider accept; who got which template."""
        self.at += timedelta(**later)
        with self.database.writing() as session:
            sending_ledger.take_over(session, "broadcast", "f", self.at)
            claimed = claiming.claim(session, "broadcast", "f", limit, self.at)
            messages.freeze(session, {one.send_id: one.attempt for one in claimed}, "f", self.at)
            results = [AttemptResult(send_id=one.send_id, status="accepted", provider="p") for one in claimed]
            sending_ledger.record(session, "f", results, self.at)
        return sorted((one.to.partition("@")[0], one.template) for one in claimed)

    def row(self, key: str = "spring") -> Broadcast:
        with self.database.reading() as session:
            return broadcasts.get(session, key)

    def messages(self) -> Sequence[Message]:
        with self.database.reading() as session:
            return session.exec(select(Message).order_by(col(Message.not_before))).all()

    def ledger(self) -> dict[str, int]:
        return dict(Counter(f"{one.status} {one.reason}" if one.reason else one.status for one in self.messages()))


@pytest.fixture
def desk(database: Database, take: Callable[..., Any], noon: datetime) -> Desk:
    return Desk(database, take, noon)


# -- from the draft to the last mail -----------------------------------------------------------------------------------


def test_a_broadcast_goes_to_its_segment_once(desk: Desk) -> None:
    desk.people("ann", "bob", "cyd")
    desk.put()
    assert desk.row().status == "draft"
    desk.send()
    assert (desk.row().status, desk.ledger()) == ("sending", {"planned": 3})
    assert desk.deliver() == [("ann", "spring"), ("bob", "spring"), ("cyd", "spring")]
    desk.ticks(seconds=5)
    assert (desk.row().status, desk.ledger()) == ("sent", {"accepted": 3})
    assert desk.row().audience == {"recipients": 3, "later": {}, "skipped": {}, "variants": {}}
    with pytest.raises(Refused, match="sent already"):
        desk.do(broadcasts.schedule)


def test_who_does_not_get_it_is_on_record_with_the_reason(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob", "cyd", "dan", "eve")
    with database.writing() as session:
        names = {user: customer_view.customer(session, user).id for user in ("bob", "dan")}
        consents.record(session, names["bob"], "news", False, "test", desk.at, desk.at)
        suppressions.put(session, "cyd@example.com", "bounce", "test", desk.at)
        customer_view.customer(session, "dan").email = None
        customer_view.customer(session, "eve").email = "eve@@example"
    desk.put()
    with database.writing() as session:
        preview = operations.start(session, broadcast_clock.PREVIEW, {"broadcast": "spring"}, desk.at)
    skipped = {"unsubscribed": 1, "suppressed": 1, "no_address": 1, "invalid_address": 1}
    assert desk.run(preview) == {"recipients": 1, "later": {}, "skipped": skipped, "variants": {}}
    assert (desk.messages(), desk.row().status) == ([], "draft"), "a preview stores nothing"
    desk.send()
    assert desk.row().audience == {"recipients": 1, "later": {}, "skipped": skipped, "variants": {}}
    assert desk.ledger() == {"planned": 1, **{f"skipped {reason}": 1 for reason in skipped}}
    with database.reading() as session:
        told = session.exec(select(Decision).where(Decision.what == "skipped")).all()
        assert {one.detail["reason"] for one in told} == set(skipped)
        assert {one.detail["broadcast"] for one in told} == {"spring"}


def test_policies_are_asked_again_when_it_is_claimed(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob")
    desk.put()
    desk.send()
    with database.writing() as session:
        consents.record(session, customer_view.customer(session, "ann").id, "*", False, "link", desk.at, desk.at)
    assert desk.deliver() == [("bob", "spring")]
    assert desk.ledger() == {"accepted": 1, "skipped unsubscribed": 1}


def test_quiet_hours_and_caps_put_it_off_by_each_ones_clock(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob")
    with database.writing() as session:
        settings = {"quiet_hours": {"from": "21:00", "to": "08:00"}, "cap": {"max": 1, "per": "1 day"}}
        installation_settings.save(session, InstallationSettings.model_validate(settings), desk.at)
    desk.put()
    desk.put("summer", template="summer")
    desk.send()
    assert desk.row().audience == {"recipients": 2, "later": {"quiet_hours": 1}, "skipped": {}, "variants": {}}
    assert desk.deliver() == [("ann", "spring")], "it is four in the morning in Los Angeles"
    assert desk.deliver(hours=4) == [("bob", "spring")]
    desk.send("summer")
    assert desk.deliver() == [], "the cap holds"
    assert desk.deliver(days=1) == [("ann", "summer"), ("bob", "summer")]


def test_a_local_time_is_each_ones_own(desk: Desk) -> None:
    desk.people("ann", "bob", "cyd", "dan")
    desk.put(at="2026-03-05T09:00", local=True)
    desk.do(broadcasts.schedule)
    assert desk.row().wake_at == datetime(2026, 3, 4, 19, 0, tzinfo=UTC), "when it is nine where the day begins"
    desk.ticks(hours=1)
    assert desk.messages() == []
    desk.at = datetime(2026, 3, 4, 19, 0, tzinfo=UTC)
    desk.ticks()
    assert [one.not_before for one in desk.messages()] == [
        datetime(2026, 3, 5, 0, 0, tzinfo=UTC),  # Tokyo
        datetime(2026, 3, 5, 8, 0, tzinfo=UTC),  # Berlin
        datetime(2026, 3, 5, 9, 0, tzinfo=UTC),  # where nobody knows: the installation's
        datetime(2026, 3, 5, 17, 0, tzinfo=UTC),  # Los Angeles
    ]


@pytest.mark.parametrize(("late", "reasons"), [("send", {None}), ("skip", {None, "late"})])
def test_a_local_time_that_has_passed_is_sent_at_once_or_skipped(desk: Desk, late: str, reasons: set[Any]) -> None:
    desk.people("bob", "cyd")
    desk.put(at="2026-03-02T09:00", local=True, late=late)
    desk.send()
    assert {one.reason for one in desk.messages()} == reasons


def test_it_waits_for_its_instant(desk: Desk) -> None:
    desk.people("ann")
    desk.put(at="2026-03-03T08:00:00+01:00")
    desk.send()
    assert desk.row().status == "scheduled"
    desk.people("bob")
    desk.at = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    desk.ticks()
    assert desk.ledger() == {"planned": 2}, "who is in the segment then gets it"


def test_a_file_names_whom_it_is_for(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob")
    desk.put(segment=None)
    with pytest.raises(Refused, match="import recipients first"):
        desk.do(broadcasts.schedule)
    with database.writing() as session:
        operation = Operation(id="op", kind="import recipients", request={"broadcast": "spring"}, created_at=desk.at)
        lines = [(line, {"userId": name}) for line, name in enumerate(("ann", "ann@example.com", "nobody"), start=1)]
        taken = import_file.KINDS["recipients"].take(session, operation, lines, desk.at)
        assert taken[:2] == [True, False]
        assert isinstance(taken[2], NotFound)
    desk.send()
    assert desk.deliver() == [("ann", "spring")]


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_a_pause_stops_the_lane_and_loses_nothing(desk: Desk) -> None:
    desk.people("ann", "bob", "cyd")
    desk.put()
    desk.send()
    assert len(desk.deliver(limit=1)) == 1
    desk.do(broadcasts.pause)
    assert desk.deliver(hours=1) == []
    desk.do(broadcasts.resume)
    assert len(desk.deliver()) == 2


def test_a_pause_longer_than_a_mail_may_wait_skips_it(desk: Desk) -> None:
    desk.people("ann")
    desk.put(expires="2 hours")
    desk.send()
    desk.do(broadcasts.pause)
    desk.at += timedelta(hours=3)
    desk.do(broadcasts.resume)
    assert (desk.deliver(), desk.ledger()) == ([], {"skipped expired": 1})


def test_a_cancelled_one_sends_no_more_from_that_moment_on(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob", "cyd")
    desk.put()
    desk.send()
    assert len(desk.deliver(limit=1)) == 1
    desk.do(broadcasts.cancel)
    assert desk.deliver() == [], "before any operation has run"
    with database.writing() as session:
        operations.start(session, broadcast_clock.CANCEL, {"broadcast": "spring"}, desk.at)
    desk.operate()
    assert (desk.row().status, desk.ledger()) == ("cancelled", {"accepted": 1, "skipped cancelled": 2})
    for action in (broadcasts.pause, broadcasts.cancel):
        with pytest.raises(Refused):
            desk.do(action)


def test_its_rate_is_kept(desk: Desk) -> None:
    desk.people(*(f"u{number}" for number in range(30)))
    desk.put(rate="10/second")
    desk.send()
    assert len(desk.deliver()) == 10
    assert len(desk.deliver()) == 0
    assert len(desk.deliver(seconds=0.5)) == 5
    assert len(desk.deliver(seconds=60)) == 10, "what was not used is not saved up"
    assert len(desk.deliver(seconds=1)) == 5


def test_two_broadcasts_each_go_at_their_own_rate_where_one_claim_has_no_room_for_both(desk: Desk) -> None:
    """What one's rate let go, and the other took the turns of, is given back to it."""
    desk.people(*(f"u{number}" for number in range(8)))
    desk.put(rate="4/second")
    desk.put("summer", template="summer", rate="4/second")
    desk.send()
    desk.send("summer")
    rounds = [Counter(template for _, template in desk.deliver(limit=4)) for _ in range(3)]
    assert rounds == [{"spring": 2, "summer": 2}, {"spring": 2, "summer": 2}, {}]


def test_what_a_policy_stops_uses_nothing_of_a_broadcasts_rate(desk: Desk, database: Database) -> None:
    desk.people(*(f"u{number}" for number in range(8)))
    desk.put(rate="4/second")
    desk.send()
    with database.writing() as session:
        for one in session.exec(select(Customer).where(col(Customer.external_id).in_(["u0", "u1", "u2", "u3"]))).all():
            one.email = None
    assert sum(len(desk.deliver()) for _ in range(8)) == 4


def test_two_broadcasts_take_turns(desk: Desk) -> None:
    desk.people(*(f"u{number}" for number in range(20)))
    desk.put()
    desk.put("summer", template="summer")
    desk.send()
    desk.send("summer")
    claimed = Counter(template for _, template in desk.deliver(limit=10))
    assert claimed == {"spring": 5, "summer": 5}


def test_complaints_stop_it_and_its_topic(desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaint_brake, "SAMPLE", 2)
    desk.people("ann", "bob", "cyd")
    desk.put()
    desk.send()
    desk.deliver(limit=2)
    with database.writing() as session:
        ids = [one.id for one in desk.messages() if one.status == "accepted"]
        reports = [Feedback(send_id=one, kind="delivered", at=desk.at) for one in ids]
        complaint = Feedback(send_id=ids[0], kind="complained", at=desk.at + timedelta(seconds=1))
        delivery_events.take(session, reports, "p", desk.at)
        delivery_events.take(session, [complaint], "p", desk.at)
    assert desk.row().paused_at is not None
    assert (desk.row().alarm or "").startswith("stopped: 1 of 2 mails of the last 30 days were complained about")
    assert desk.deliver() == []
    desk.do(broadcasts.resume)
    assert desk.deliver() == [], "the topic is paused too"


# -- A against B -------------------------------------------------------------------------------------------------------

AB = {
    "template": None,
    "variants": {"a": {"template": "spring"}, "b": {"template": "summer"}},
    "test": {"sample": 50, "winner": "clicked", "after": "4 hours"},
}


def test_the_sample_gets_the_variants_and_the_rest_the_winner(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasts, "FEW", 3)
    desk.people(*(f"u{number:02}" for number in range(40)))
    desk.put(**AB)
    desk.send()
    assert desk.row().status == "deciding"
    sample = desk.deliver()
    shares = Counter(template for _, template in sample)
    assert 10 <= len(sample) <= 30
    assert set(shares) == {"spring", "summer"}
    with database.writing() as session:
        b = session.exec(select(Message.id).where(Message.variant == "b")).all()
        a = session.exec(select(Message.id).where(Message.variant == "a")).all()
        scanned = [Feedback(send_id=one, kind="clicked", at=desk.at, url="x", machine=True) for one in a]
        read = [Feedback(send_id=one, kind="clicked", at=desk.at, url="x") for one in b[:2]]
        delivery_events.take(session, [*scanned, *read], "p", desk.at)
        found = broadcasts.results(session, "spring", ["a", "b"])
    assert found["a"] == {"accepted": len(a), "opened": 0, "clicked": 0}, "machines do not count"
    assert found["b"] == {"accepted": len(b), "opened": 2, "clicked": 2}
    desk.ticks(hours=3)
    assert desk.deliver() == []
    desk.ticks(hours=1)
    assert (desk.row().winner, desk.row().status) == ("b", "sending")
    rest = desk.deliver()
    assert {template for _, template in rest} == {"summer"}
    assert sorted([*sample, *rest]) == sorted({(user, template) for user, template in [*sample, *rest]})
    assert len({user for user, _ in [*sample, *rest]}) == len(sample) + len(rest) == 40
    audience = desk.row().audience
    assert audience is not None
    assert audience["recipients"] == 40


def test_a_person_may_choose_the_winner_and_only_then(desk: Desk) -> None:
    desk.people(*(f"u{number:02}" for number in range(12)))
    desk.put(**AB)
    with pytest.raises(Refused, match="while it is deciding"):
        desk.do(broadcasts.choose_winner, "spring", "a")
    desk.send()
    with pytest.raises(InvalidInput, match="no variant 'c'"):
        desk.do(broadcasts.choose_winner, "spring", "c")
    desk.do(broadcasts.choose_winner, "spring", "a")
    desk.ticks()
    assert (desk.row().winner, desk.row().status) == ("a", "sending")


def test_without_a_test_the_variants_share_everybody(desk: Desk) -> None:
    desk.people(*(f"u{number:02}" for number in range(40)))
    variants = {"a": {"template": "spring", "weight": 3}, "b": {"template": "summer", "subject": "Sun"}}
    desk.put(template=None, variants=variants)
    desk.send()
    shares = Counter(template for _, template in desk.deliver())
    assert sum(shares.values()) == 40
    assert shares["spring"] > shares["summer"] > 0


# -- once --------------------------------------------------------------------------------------------------------------


def test_a_page_that_is_done_again_plans_nobody_twice(desk: Desk, database: Database) -> None:
    desk.people("ann", "bob")
    desk.put()
    desk.do(broadcasts.schedule)
    with database.writing() as session:
        broadcast_clock.run_due(session, desk.at)
        operation = session.exec(select(Operation)).one()
        operations.begin(session, operation.id, desk.at)
    for _ in range(2):
        page = next(plan_broadcast.pages(database, operation, lambda: desk.at))
        with database.writing() as session:
            page(session)
    assert desk.ledger() == {"planned": 2}


@pytest.mark.parametrize("error", ["it failed 5 times: OSError", None])
def test_a_planning_that_ended_half_way_says_so_and_goes_on_when_it_is_resumed(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch, error: str | None
) -> None:
    monkeypatch.setattr(plan_broadcast, "PAGE", 1)
    desk.people("ann", "bob", "cyd")
    desk.put()
    desk.do(broadcasts.schedule)
    with database.writing() as session:
        broadcast_clock.run_due(session, desk.at)
        operation = session.exec(select(Operation)).one()
        operations.begin(session, operation.id, desk.at)
    page = next(plan_broadcast.pages(database, operation, lambda: desk.at))
    with database.writing() as session:
        operations.advance(session, operation.id, page)
        if error is None:
            operations.cancel(session, operation.id)
        operations.close(session, operation.id, desk.at, error)
    desk.ticks(minutes=1)
    assert (desk.row().alarm or "").startswith(f"it was not planned to its end ({error or 'cancelled'})")
    assert (desk.row().paused_at is not None, len(desk.messages())) == (True, 1)
    desk.do(broadcasts.resume)
    desk.ticks()
    assert (desk.row().status, desk.row().alarm, desk.ledger()) == ("sending", None, {"planned": 3})


@pytest.mark.parametrize("limit", [1, 100])
def test_two_who_turn_out_to_be_one_get_it_once(desk: Desk, database: Database, noon: datetime, limit: int) -> None:
    from services.ingestion import merging

    desk.people("ann", "anna", "bob")
    desk.put()
    desk.send()
    with database.writing() as session:
        source, target = customer_view.customer(session, "anna"), customer_view.customer(session, "ann")
        merging.merge(session, source, target, noon)
    for _ in range(3):
        desk.deliver(limit=limit)
    assert desk.ledger() == {"accepted": 2, "skipped repeated": 1}


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"template": None}, "name a template, or variants"),
        ({"variants": AB["variants"]}, "name a template, or variants"),
        ({"test": AB["test"]}, "two variants at least"),
        ({"local": True}, "a date and a time without a zone"),
        ({"at": "2026-03-05T09:00:00Z", "local": True}, "a date and a time without a zone"),
        ({"at": "2026-03-05T09:00"}, "needs a zone"),
        ({"at": "soon"}, "an instant looks like"),
        ({"rate": "fast"}, "match pattern"),
        ({"expires": "3 moons"}, "3 moons"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(body: dict[str, Any], says: str) -> None:
    whole = {"segment": "all", "template": "spring", **body}
    whole = {name: value for name, value in whole.items() if value is not None}
    with pytest.raises(ValidationError, match=says):
        BroadcastIn.model_validate(whole)


def test_what_it_names_must_be_there(desk: Desk) -> None:
    desk.people("ann")
    with pytest.raises(InvalidInput, match="no template 'autumn'"):
        desk.put(template="autumn")
    with pytest.raises(InvalidInput, match="no segment 'gone'"):
        desk.put(segment="gone")
    desk.put()
    desk.do(broadcasts.schedule)
    with pytest.raises(Refused, match="only a draft is changed"):
        desk.put()
