"""Broadcasts tested A against B: a sample gets the variants, the rest the winner."""

from collections import Counter

import pytest
from sqlmodel import select

from mail.providers.events import Feedback
from services.definitions import broadcasts
from services.errors import InvalidInput, Refused
from services.feedback.returns import delivery_events
from store.session import Database
from store.tables.messages import Message
from tests.store.broadcast_desk import AB, Desk


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


def test_variants_keep_the_order_in_which_they_were_named(desk: Desk) -> None:
    """The first that was named wins where all are alike, so its order is no matter of the database."""
    desk.people("ann")
    named = ["with-a-long-name", "b", "a"]
    desk.put(template=None, variants={name: {"template": "spring"} for name in named})
    assert list(broadcasts.body_of(desk.row()).variants) == named
