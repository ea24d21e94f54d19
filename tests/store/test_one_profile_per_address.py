"""A setting makes one profile of all who have an address, as soon as an identify says it. It is off until it is set."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from services.feedback.answers import consents
from services.imports.placing import placement
from services.ingestion import segment_api
from services.ingestion.ingest import IngestResult
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.reports.customer import customer_view
from store.session import Database
from store.tables.customers import Consent, Customer, Event
from store.tables.enrollments import ControlRequest, Decision, Enrollment
from tests.shells import Shell

Ingest = Callable[..., IngestResult]

ADDRESS = "same.person@example.com"


@pytest.fixture
def joins(database: Database, noon: datetime) -> None:
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(one_profile_per_address=True), noon)


def identify(user: str | None = None, email: str | None = ADDRESS, **more: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": {"email": email, **more.pop("traits", {})}, **more}


def track(event: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, **more}


def rows(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table).order_by(*table.__table__.primary_key.columns)).all())


def ids(database: Database) -> list[str]:
    return sorted(one.external_id for one in rows(database, Customer))


def test_it_is_off_until_somebody_sets_it(database: Database, take: Ingest) -> None:
    take(identify("dup1"), identify("dup2", "Same.Person@EXAMPLE.com"))
    assert ids(database) == ["dup1", "dup2"]


@pytest.mark.usefixtures("joins")
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_who_says_an_address_that_somebody_has_is_that_customer(
    database: Database, take: Ingest, together: bool
) -> None:
    said = [
        identify("dup1", traits={"plan": "pro"}),
        track("Viewed", userId="dup2"),
        identify("dup2", "Same.Person@EXAMPLE.com", traits={"first_name": "Ann"}),
        track("Viewed", userId="dup2"),
        identify("other", "other@example.com"),
        identify("dup3"),
        track("Viewed", userId="dup3"),
    ]
    for part in [said] if together else [[one] for one in said]:
        assert take(*part).rejected == []
    first, other = sorted(rows(database, Customer), key=lambda one: one.external_id)
    assert (first.external_id, other.external_id) == ("dup1", "other")
    assert first.attributes == {"plan": "pro", "first_name": "Ann", "email": ADDRESS}
    assert first.events["Viewed"]["count"] == 3
    assert first.seq == max(one.seq for one in rows(database, Event) if one.customer_id == first.id) == 6
    take(track("Viewed", userId="dup2"), identify("dup3", traits={"plan": "team"}))
    assert ids(database) == ["dup1", "other"], "their former ids lead to the one"


@pytest.mark.usefixtures("joins")
def test_a_visitor_is_known_by_the_address(database: Database, take: Ingest) -> None:
    take(track("Viewed", anonymousId="visitor-1"), identify("dup1"))
    take(identify(anonymousId="visitor-1"))
    (customer,) = rows(database, Customer)
    assert (customer.external_id, customer.events["Viewed"]["count"]) == ("dup1", 1)


@pytest.mark.usefixtures("joins")
def test_whoever_was_nameless_becomes_known_by_the_address(database: Database, take: Ingest) -> None:
    take(identify(anonymousId="visitor-1"))
    take(identify("dup1", anonymousId="visitor-2"))
    (customer,) = rows(database, Customer)
    assert (customer.external_id, customer.anonymous_id) == ("dup1", "visitor-1")


@pytest.mark.usefixtures("joins")
@pytest.mark.parametrize("said", [None, "", "nobody", "a@b@c"])
def test_what_is_no_address_joins_nobody(database: Database, take: Ingest, said: str | None) -> None:
    take(identify("dup1", said), identify("dup2", said))
    assert ids(database) == ["dup1", "dup2"]


@pytest.mark.usefixtures("joins")
def test_who_has_moved_on_to_another_address_is_left_alone(database: Database, take: Ingest) -> None:
    take(identify("dup1"), identify("dup1", "new@example.com"), identify("dup2"))
    assert ids(database) == ["dup1", "dup2"]


def test_two_who_have_one_address_become_one_when_either_says_it(
    database: Database, take: Ingest, noon: datetime
) -> None:
    """What both had is the one's: of two words about a topic the later, of two runs the one of who stays."""
    take(identify("dup1"))
    take(identify("dup2"), at=noon + timedelta(minutes=1))
    with database.writing() as session:
        first, second = (customer_view.customer(session, one).id for one in ("dup1", "dup2"))
        consents.record(session, first, "news", False, "phone", noon, noon)
        consents.record(session, second, "news", True, "form", noon + timedelta(hours=1), noon)
        installation_settings.save(session, InstallationSettings(one_profile_per_address=True), noon)
    take(identify("dup2"))
    assert ids(database) == ["dup1"]
    (said,) = rows(database, Consent)
    assert (said.customer_id, said.granted, said.source) == (first, True, "form")
    assert [one.detail["profile"] for one in rows(database, Decision) if one.what == "merged"] == [second]


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize("both", [True, False], ids=["both under way", "one under way"])
def test_runs_of_two_who_become_one(database: Database, take: Ingest, noon: datetime, both: bool) -> None:
    take(identify("dup1"))
    take(identify("dup2"), at=noon + timedelta(minutes=1))
    take(*([track("Signed Up", userId="dup1")] if both else []), track("Signed Up", userId="dup2"))
    for run in rows(database, Enrollment):
        Shell(database, run).wake(noon)
    with database.writing() as session:
        first = customer_view.customer(session, "dup1").id
        installation_settings.save(session, InstallationSettings(one_profile_per_address=True), noon)
    take(identify("dup1"))
    assert {one.customer_id for one in rows(database, Enrollment)} == {first}
    asked = [(one.verb, one.reason) for one in rows(database, ControlRequest)]
    assert asked == ([("exit", "merged")] if both else [])


@pytest.mark.usefixtures("joins")
def test_histories_that_are_imported_join_by_the_address_too(database: Database, take: Ingest, noon: datetime) -> None:
    take(identify("there", "there@example.com"))
    history = [
        segment_api.read(event | {"timestamp": (noon - timedelta(days=30)).isoformat(), "messageId": str(number)}, noon)
        for number, event in enumerate(
            [identify("old", "There@example.com"), identify("one"), identify("two"), track("Viewed", userId="two")]
        )
    ]
    chunk = [(name, [one for one in history if one.user_id == name]) for name in ("old", "one", "two")]
    placed = database.write(
        lambda session: placement.write(session, placement.prepare(session, chunk, None, noon)),
    )
    assert placed.errors == []
    assert ids(database) == ["one", "there"]
    (one,) = (one for one in rows(database, Customer) if one.external_id == "one")
    assert one.events["Viewed"]["count"] == 1
