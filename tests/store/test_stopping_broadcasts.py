"""Broadcasts that are held: paused, cancelled, slowed by a rate, stopped by complaints."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import col, select

from mail.providers.events import Feedback
from services.definitions import broadcasts
from services.errors import Refused
from services.feedback.returns import complaint_brake, delivery_events
from services.installation import rates
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from services.operations import operations
from services.upkeep.clocks import broadcast_clock
from store.session import Database
from store.tables.customers import Customer
from tests.store.broadcast_desk import Desk


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


@pytest.mark.parametrize("lost", [False, True])
def test_what_a_worker_that_stops_or_dies_has_not_sent_is_taken_off_no_rate(
    desk: Desk, database: Database, lost: bool
) -> None:
    desk.people(*(f"c{number}" for number in range(10)))
    desk.put(rate="10/second")
    desk.send()
    way = OutgoingChannel(channel="p", rate=rates.parse("12/second"))

    def claimed_by(fence: str) -> list[str]:
        with database.writing() as session:
            sending_ledger.take_over(session, "broadcast", fence, desk.at, "p")
            return [one.send_id for one in claiming.claim(session, "broadcast", fence, 50, desk.at, way)]

    first = claimed_by("first")
    assert len(first) == 8, "the channel leaves some to those before a broadcast"
    if not lost:
        with database.writing() as session:
            sending_ledger.give_back(session, "first", first, desk.at, "p")
    assert sorted(claimed_by("second")) == sorted(first), "at the same instant, within the rates of both"
