"""Broadcasts: planned in bulk with the policies asked of each, and sent by the lane, once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel import select

from services.customers import suppressions
from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from services.errors import InvalidInput, NotFound, Refused
from services.feedback.answers import consents
from services.imports.records import import_kinds
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.jobs.mails import plan_broadcast
from services.operations import operations
from services.reports.customer import customer_view
from services.upkeep.clocks import broadcast_clock
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Decision
from tests.store.broadcast_desk import AB, Desk

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
        taken = import_kinds.KINDS["recipients"].take(session, operation, lines, desk.at)
        assert taken[:2] == [True, False]
        assert isinstance(taken[2], NotFound)
    desk.send()
    assert desk.deliver() == [("ann", "spring")]


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


def test_a_broadcast_leaves_those_alone_who_are_not_to_be_written_to(desk: Desk, publish: Any, take: Any) -> None:
    publish("life", "journey: life\nenter: [{on: Left}]\nstart: gone\nstages: {gone: {mailable: false}}")
    desk.people("ann", "bob")
    take({"type": "track", "userId": "bob", "event": "Left"}, at=desk.at)
    desk.put()
    desk.send()
    assert desk.deliver() == [("ann", "spring")]
    assert desk.row().audience["skipped"] == {"not_mailable": 1}
