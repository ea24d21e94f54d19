"""Whose a lane is: whoever has asked that holds it until they are done."""

import threading
import time
from datetime import datetime

import pytest

from store.queries.sending import lanes
from store.session import Database


@pytest.fixture
def order(database: Database, noon: datetime) -> list[str]:
    """What was done in which order, where another takes the lane over while its owner claims (or freezes)."""
    done: list[str] = []
    asked, go = threading.Event(), threading.Event()
    with database.writing() as session:
        lanes.take_ownership(session, "journey", "first", noon)

    def claim() -> None:
        with database.writing() as session:
            assert lanes.is_owner(session, "journey", "first")
            asked.set()
            assert go.wait(30)
            assert lanes.is_owner(session, "journey", "first")
            done.append("claimed")

    def take_over() -> None:
        assert asked.wait(30)
        with database.writing() as session:
            lanes.take_ownership(session, "journey", "second", noon)
            session.flush()
            done.append("taken over")

    both = [threading.Thread(target=one) for one in (claim, take_over)]
    for one in both:
        one.start()
    assert asked.wait(30)
    time.sleep(0.5)
    done.append("nothing yet")
    go.set()
    for one in both:
        one.join(30)
    return done


def test_a_takeover_waits_for_an_owner_who_has_asked_whose_the_lane_is(database: Database, order: list[str]) -> None:
    assert order == ["nothing yet", "claimed", "taken over"]
    with database.writing() as session:
        assert not lanes.is_owner(session, "journey", "first")
        assert lanes.is_owner(session, "journey", "second")
