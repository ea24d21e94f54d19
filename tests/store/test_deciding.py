"""Mail of which nobody can tell whether it went, and journeys that are complained about."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from mail.providers.events import Feedback
from services.definitions import journeys
from services.errors import NotFound, Refused
from services.feedback import complaint_brake, delivery_events
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.messages import resolving, sending_ledger
from store.queries import journeys as journey_rows
from store.queries import message_counts, messages
from store.session import Database
from store.tables.access import Audit
from store.tables.definitions import Journey, Topic
from store.tables.enrollments import Decision
from store.tables.messages import Message


def mail(name: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "customer_id": "c", "journey": "welcome", "digest": "d", "stage": "new", "step": "x", "visit": 1,
        "template": "t", "topic": "news", "lane": "journey", "status": "unknown", "due": at, "planned_at": at,
        "updated_at": at, "attempt": 1, "accepted_at": None, "delivery": None, "broadcast": None, "variant": None,
        "reason": None, **more,
    }  # fmt: skip


def one(database: Database, name: str) -> Message:
    with database.reading() as session:
        return session.exec(select(Message).where(Message.id == name)).one()


@pytest.mark.parametrize(
    ("verdict", "status", "reason"),
    [("accepted", "accepted", None), ("resend", "planned", None), ("failed", "failed", "given_up")],
)
def test_a_person_decides_once_and_on_record(
    database: Database, noon: datetime, verdict: Any, status: str, reason: str | None
) -> None:
    with database.writing() as session:
        messages.add(session, [mail("m", noon, status="parked")])
    with database.writing() as session:
        resolving.decide(session, "m", verdict, "key k", noon)
    found = one(database, "m")
    assert (found.status, found.reason) == (status, reason)
    with database.writing() as session:
        (told,) = session.exec(select(Decision)).all()
        assert told.detail["explanation"] == "decided by key k"
        with pytest.raises(Refused, match="only one that is unknown or parked"):
            resolving.decide(session, "m", verdict, "key k", noon)
        with pytest.raises(NotFound):
            resolving.decide(session, "none", verdict, "key k", noon)


@pytest.mark.parametrize(
    ("unsure", "hours", "attempt", "status"),
    [
        ({}, 23, 1, "unknown"),
        ({}, 25, 1, "parked"),
        ({"after": "2 hours"}, 3, 1, "parked"),
        ({"then": "resend"}, 25, 1, "planned"),
        ({"then": "resend"}, 25, 2, "parked"),
    ],
)
def test_without_evidence_the_settings_decide_and_never_twice(
    database: Database, noon: datetime, unsure: dict[str, str], hours: int, attempt: int, status: str
) -> None:
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings.model_validate({"unsure": unsure}), noon)
        messages.add(session, [mail("m", noon, attempt=attempt)])
    with database.writing() as session:
        sending_ledger.decide_unknown(session, "m", "unknowable", noon + timedelta(hours=hours))
    assert one(database, "m").status == status


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize(
    ("arrived", "complaints", "outcome"),
    [(999, 50, None), (1_000, 1, None), (1_000, 2, "warned"), (1_000, 3, "warned"), (1_000, 4, "stopped")],
)
def test_a_journey_that_is_complained_about_warns_and_then_stops_itself(
    database: Database, noon: datetime, arrived: int, complaints: int, outcome: str | None
) -> None:
    mails = [
        mail(f"m{number}", noon, status="accepted", accepted_at=noon,
             delivery="complained" if number < complaints else "delivered")
        for number in range(arrived)
    ]  # fmt: skip
    old = mail("old", noon, status="accepted", accepted_at=noon - timedelta(days=31), delivery="complained")
    with database.writing() as session:
        messages.add(session, [*mails, old])
        for one in (*mails, old):
            for subject, key in (("journey", "welcome"), ("topic", "news")):
                message_counts.tally(session).came(subject, key, "arrived", one["accepted_at"])
                if one["delivery"] == "complained":
                    message_counts.tally(session).came(subject, key, "complained", one["accepted_at"])
    with database.writing() as session:
        complaint_brake.check_rates(session, session.exec(select(Message).where(Message.id == "m0")).all(), noon)
    with database.reading() as session:
        journey = session.get(Journey, "welcome")
        audits = [(entry.actor, entry.action) for entry in session.exec(select(Audit)).all()]
        topic = session.get(Topic, "news")
    assert journey is not None
    assert (journey.paused_at is not None) == (outcome == "stopped")
    assert (journey.alarm or "").partition(":")[0] == {None: "", "warned": "warning", "stopped": "stopped"}[outcome]
    assert audits == ([(complaint_brake.ACTOR, "paused")] * 2 if outcome == "stopped" else []), (
        "the journey and the topic"
    )
    assert (topic is not None and topic.paused_at is not None) == (outcome == "stopped")


@pytest.mark.usefixtures("welcome")
def test_the_brake_is_asked_by_the_complaint_itself_and_let_go_by_a_person(
    database: Database, take: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complaint_brake, "SAMPLE", 1)
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}})
    from services.reports import customer_view

    with database.writing() as session:
        ann = customer_view.customer(session, "ann").id
        messages.add(session, [mail("m", noon, customer_id=ann, status="accepted", accepted_at=noon)])
    with database.writing() as session:
        delivery_events.take(session, [Feedback(send_id="m", kind="complained", at=noon)], "sendgrid", noon)
    with database.writing() as session:
        assert journey_rows.is_paused(session, "welcome")
        assert journeys.resume(session, "welcome").alarm is None
