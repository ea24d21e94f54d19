"""Import of history about customers who are known: placed as new ones are, and whoever is under way is left alone."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from services.customers import suppressions
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment, Interest
from store.tables.messages import Message
from store.tables.splits import Assignment
from tests.conftest import Statements
from tests.shells import Shell
from tests.store.bulk_shop import SIZES, asked_for, rows, work
from tests.store.known_buyers import BUYERS, import_orders, known, left_behind, order, orders, standing

Imported = Callable[..., dict[str, Any]]


@pytest.fixture
def buyers(publish: Callable[[str, str], None]) -> None:
    publish("buyers", BUYERS)


@pytest.fixture
def imported(database: Database, noon: datetime) -> Imported:
    """Imports orders into `buyers`, of which each line is taken, and returns the result."""

    def run(lines: list[dict[str, Any]], journey: str | None = "buyers") -> dict[str, Any]:
        done = import_orders(database, noon, lines, journey)
        assert done.error_count == 0
        return done.result or {}

    return run


def shape(database: Database, name: str) -> list[Any]:
    """All that an import has left of a customer, without what names it."""
    (own,) = rows(database, Customer, Customer.external_id == name)
    (run,) = rows(database, Enrollment, Enrollment.customer_id == own.id)
    mails = sorted(
        (one.step, one.visit, one.due, one.status, one.reason)
        for one in rows(database, Message, Message.customer_id == own.id)
    )
    why = [(one.what, one.at, one.stage, one.step) for one in rows(database, Decision, Decision.customer_id == own.id)]
    waits = sorted(one.name for one in rows(database, Interest, Interest.customer_id == own.id))
    split = [(one.split, one.counted) for one in rows(database, Assignment, Assignment.customer_id == own.id)]
    place = (run.stage, run.step, run.visit, run.status, run.wakes_at, run.entered_at, run.stage_since, run.source)
    return [place, mails, sorted(why, key=str), waits, split]


@pytest.mark.usefixtures("buyers")
def test_a_known_customer_stands_where_a_new_one_with_the_same_history_stands(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann"))
    result = imported(orders(noon, "ann", "new"))
    assert standing(database) == {"ann": ("repeat", "live"), "new": ("repeat", "live")}
    assert shape(database, "ann") == shape(database, "new")
    assert {one.status for one in rows(database, Message)} == {"skipped"}
    assert result == {
        "customers": 2, "events": 6, "enrolled": 2, "repeated": 0, "already_enrolled": 0, "been_before": 0, "left_alone": [],
    }  # fmt: skip


@pytest.mark.usefixtures("buyers")
def test_the_same_import_again_changes_nothing(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann", "bob"))
    lines = [*orders(noon, "ann", "new"), order(noon, "bob", 400), *orders(noon, "none", days=())]
    imported(lines)
    before = left_behind(database)
    again = imported(lines)
    assert left_behind(database) == before
    ids = {one.id for one in rows(database, Customer)}
    assert set(again.pop("left_alone")) == ids
    assert again == {
        "customers": 3, "events": 0, "enrolled": 0, "repeated": 7, "already_enrolled": 3, "been_before": 0,
    }  # fmt: skip


@pytest.mark.usefixtures("buyers")
def test_events_that_came_without_a_journey_place_their_customers_when_one_is_named(
    database: Database, imported: Imported, noon: datetime
) -> None:
    lines = orders(noon, "ann")
    assert imported(lines, None) == {"customers": 1, "events": 3, "enrolled": 0, "repeated": 0}
    assert imported(lines)["enrolled"] == 1
    assert standing(database) == {"ann": ("repeat", "live")}


@pytest.mark.usefixtures("buyers")
def test_whoever_is_under_way_is_left_alone_and_named(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann"), {"type": "track", "userId": "ann", "event": "Order"})
    (before,) = rows(database, Enrollment)
    result = imported(orders(noon, "ann", "new"))
    (ann,) = rows(database, Customer, Customer.external_id == "ann")
    (after,) = rows(database, Enrollment, Enrollment.customer_id == ann.id)
    assert after == before
    assert (result["enrolled"], result["already_enrolled"], result["left_alone"]) == (1, 1, [ann.id])
    assert ann.events["Order"]["count"] == 4


@pytest.mark.usefixtures("buyers")
def test_what_a_known_customer_did_of_late_is_part_of_the_history_and_begins_no_run_of_its_own(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann"))
    imported(orders(noon, "ann", days=(300, 1)))
    assert standing(database) == {"ann": ("repeat", "live")}
    assert {one.status for one in rows(database, Message)} == {"skipped"}


@pytest.mark.usefixtures("buyers")
def test_other_journeys_hear_of_it_as_of_live_events(
    database: Database, publish: Any, take: Any, imported: Imported, noon: datetime
) -> None:
    publish("other", BUYERS.replace("journey: buyers", "journey: other"))
    take(*known("ann", "bob"))
    result = imported([*orders(noon, "ann", days=(300, 1)), order(noon, "bob", 300)])
    others = rows(database, Enrollment, Enrollment.journey == "other")
    assert [(one.stage, one.step, one.source) for one in others] == [("first", None, "event Order")]
    assert {*standing(database)} == {"ann", "bob"}
    assert result["enrolled"] == 3


@pytest.mark.usefixtures("buyers")
def test_a_customer_of_several_names_is_placed_by_all_of_them(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("zoe"), {"type": "alias", "userId": "zoe", "previousId": "a-old"})
    take({"type": "identify", "userId": "zoe", "anonymousId": "x1"})
    anonymous = {**order(noon, "x", 280), "anonymousId": "x1"}
    del anonymous["userId"]
    result = imported(
        [order(noon, "a-old", 300), *[order(noon, f"m{n}", 9) for n in range(120)], anonymous, order(noon, "zoe", 20)]
    )
    (zoe,) = rows(database, Customer, Customer.external_id == "zoe")
    assert standing(database)["zoe"] == ("repeat", "live")
    (run,) = rows(database, Enrollment, Enrollment.customer_id == zoe.id)
    assert (run.entered_at, run.cursor) == (noon - timedelta(days=300), zoe.seq)
    moves = rows(database, Decision, Decision.customer_id == zoe.id, Decision.what == "moved")
    assert [one.at for one in sorted(moves, key=lambda one: one.at)][0] == noon - timedelta(days=280)
    assert (result["enrolled"], result["already_enrolled"]) == (121, 0)


@pytest.mark.usefixtures("buyers")
def test_the_numbers_in_decisions_are_those_of_the_stored_events(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann"))
    imported([order(noon, "ann", 20)], None)
    imported(orders(noon, "ann"))
    moves = rows(database, Decision, Decision.what == "moved")
    by_seq = {one.seq: one for one in rows(database, Event)}
    told = {(one.at, by_seq[one.detail["seq"]].at) for one in moves if "seq" in one.detail}
    assert told == {(at, at) for at in (noon - timedelta(days=250), noon - timedelta(days=20))}


AFTER_EXIT = BUYERS.replace("start: first", "reentry: after_exit\nexit: [{on: Left}]\nstart: first")


@pytest.mark.parametrize(("text", "entered", "reason"), [(BUYERS, [], "been_before"), (AFTER_EXIT, [20], "")])
def test_who_was_in_the_journey_before_enters_again_as_its_rule_allows_by_what_came_after(
    database: Database, publish: Any, take: Any, imported: Imported, noon: datetime,
    text: str, entered: list[int], reason: str,
) -> None:  # fmt: skip
    publish("buyers", text)
    take(*known("ann"), {"type": "track", "userId": "ann", "event": "Order"}, at=noon - timedelta(days=260))
    with database.writing() as session:
        (run,) = session.exec(select(Enrollment)).all()
        run.status, run.reason, run.ended_at = EnrollmentStatus.ENDED, "exited", noon - timedelta(days=100)
    lines = orders(noon, "ann")
    result = imported(lines)
    again = [one for one in rows(database, Enrollment) if one.status == "live"]
    assert [(one.run, one.entered_at) for one in again] == [(2, noon - timedelta(days=ago)) for ago in entered]
    assert result["been_before"] == bool(reason)
    assert imported(lines)["enrolled"] == 0


@pytest.mark.usefixtures("buyers")
def test_a_variant_that_a_known_customer_has_is_theirs_in_the_past_too(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    names = [f"u{number}" for number in range(12)]
    take(*known(*names))
    with database.writing() as session:
        for one in session.exec(select(Customer)).all():
            session.add(Assignment(customer_id=one.id, journey="buyers", split="tip", variant="long", at=noon))
    imported(orders(noon, *names))
    assert {one.variant for one in rows(database, Assignment)} == {"long"}
    assert len(standing(database)) == 12


@pytest.mark.usefixtures("buyers")
def test_attributes_that_no_event_has_told_are_seen_by_the_guards_of_the_past(
    database: Database, publish: Any, take: Any, imported: Imported, noon: datetime
) -> None:
    publish("buyers", BUYERS.replace("{on: Order}]\ndefaults", "{on: Order, when: customer.plan == 'pro'}]\ndefaults"))
    take({"type": "identify", "userId": "late", "traits": {"plan": "pro"}})
    take({"type": "identify", "userId": "set", "traits": {"x": 1}})
    with database.writing() as session:
        (own,) = session.exec(select(Customer).where(Customer.external_id == "set")).all()
        own.attributes = {**own.attributes, "plan": "pro"}
    imported(orders(noon, "late", "set"))
    assert {*standing(database)} == {"set"}, "`late` said so at noon alone, behind all orders"


@pytest.mark.usefixtures("buyers")
def test_who_was_erased_stays_so(database: Database, take: Any, imported: Imported, noon: datetime) -> None:
    from store.queries.identity import tombstones
    from store.queries.identity.tombstones import USER

    take(*known("ann"))
    with database.writing() as session:
        tombstones.bury(session, [(USER, "gone")], noon)
    done = import_orders(database, noon, orders(noon, "gone", "ann"), "buyers")
    assert (done.error_count, (done.result or {})["enrolled"]) == (3, 1)
    assert {*standing(database)} == {"ann"}


@pytest.mark.usefixtures("buyers")
def test_a_known_customer_with_a_suppressed_address_is_placed_and_gets_no_mail_of_what_comes(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("ann"))
    with database.writing() as session:
        suppressions.put(session, "ann@example.com", "manual", "test", noon)
    imported(orders(noon, "ann", days=(10,)))
    (run,) = rows(database, Enrollment)
    assert run.wakes_at == noon + timedelta(days=4)
    Shell(database, run).wake(noon + timedelta(days=4))
    said = {(one.step, one.status, one.reason) for one in rows(database, Message)}
    assert said == {("first/send:mail_a", "skipped", "imported"), ("first/send:mail_b", "skipped", "suppressed")}


@SIZES
@pytest.mark.usefixtures("buyers")
def test_known_customers_are_placed_by_sets(
    database: Database, take: Any, statements: Statements, noon: datetime, count: int
) -> None:
    names = [f"u{number}" for number in range(count)]
    take(*known(*names))
    file = "\n".join(json.dumps(one) for one in orders(noon, *names))
    operation = asked_for(database, "import events", noon, file, format="ndjson", journey="buyers")
    with statements(database, at_most=70):
        assert work(database, operation, noon)["enrolled"] == count
    assert len(standing(database)) == count


@pytest.mark.usefixtures("buyers")
@pytest.mark.parametrize("before", [True, False], ids=["known", "new"])
def test_the_guards_of_the_past_see_the_id_that_a_customer_has_with_you(
    database: Database, publish: Any, take: Any, imported: Imported, noon: datetime, before: bool
) -> None:
    publish("buyers", BUYERS.replace("{on: Order}]\ndefaults", "{on: Order, when: customer.id == 'ann'}]\ndefaults"))
    take(*known("ann", "bob") if before else ())
    imported(orders(noon, "ann", "bob"))
    assert {*standing(database)} == {"ann"}


@pytest.mark.usefixtures("buyers")
def test_whoever_has_several_names_in_a_file_is_counted_once_however_far_apart_they_stand(
    database: Database, take: Any, imported: Imported, noon: datetime
) -> None:
    take(*known("zoe"), {"type": "alias", "userId": "zoe", "previousId": "a-old"})
    take({"type": "track", "userId": "zoe", "event": "Order"})
    (zoe,) = rows(database, Customer, Customer.external_id == "zoe")
    others = [order(noon, f"m{n:03}", 9) for n in range(120)]
    result = imported([order(noon, "a-old", 300), *others, order(noon, "zoe", 20)])
    assert (result["enrolled"], result["already_enrolled"], result["left_alone"]) == (120, 1, [zoe.id])


@pytest.mark.usefixtures("buyers")
@pytest.mark.parametrize("odd", ["anonymous:x1", "user:x1"])
def test_an_id_of_yours_that_looks_like_a_name_of_ours_is_that_of_its_customer(
    database: Database, take: Any, imported: Imported, noon: datetime, odd: str
) -> None:
    """And not that of the anonymous visitor of whose id it reminds."""
    anonymous = {**order(noon, "x", 290), "anonymousId": "x1"}
    del anonymous["userId"]
    take(*known(odd))
    assert imported([order(noon, odd, 300), order(noon, odd, 20), anonymous])["enrolled"] == 2
    (own,) = rows(database, Customer, Customer.external_id == odd)
    (visitor,) = rows(database, Customer, Customer.anonymous_id == "x1")
    assert [one.events["Order"]["count"] for one in (own, visitor)] == [2, 1]
    stages = {one.customer_id: one.stage for one in rows(database, Enrollment)}
    assert (stages[own.id], stages[visitor.id]) == ("repeat", "lapsed")
