"""Mail of which nobody can tell whether it went, and journeys that are complained about."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from mail.providers.events import Feedback
from mail.providers.sendgrid.sender import SendGridSender
from mail.providers.smtp.sender import SmtpSender
from services.definitions.pausing import pauses
from services.errors import NotFound, Refused
from services.feedback.returns import complaint_brake, delivery_events
from services.installation import installation_settings
from services.installation.installation_settings import InstallationSettings
from services.jobs.mails import decide_messages
from services.messages.sending import sending_ledger
from services.messages.waiting import resolving
from services.operations import operations
from store.queries.definitions import journeys as journey_rows
from store.queries.figures import message_counts
from store.queries.figures.message_counts import CountedSubject
from store.queries.mails import messages, unsure_messages
from store.queries.mails.unsure_messages import UnsureFilter
from store.session import Database
from store.statuses import MessageStatus
from store.tables.access import Audit, Operation
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


def many(database: Database, noon: datetime, clock: Any) -> list[str]:
    """Some of each kind: ids that say what they are."""
    made = [
        *(mail(f"lost-{number}", noon, status="unknown", reason="worker_lost") for number in range(150)),
        *(mail(f"silent-{number}", noon, status="unknown", reason="no_answer") for number in range(3)),
        *(mail(f"parked-{number}", noon, status="parked", reason="parked", template="other") for number in range(5)),
        mail("gone", noon, status="accepted"),
    ]
    with database.writing() as session:
        for one in made:
            messages.add(session, [one])
    return [one["id"] for one in made]


def asked(database: Database, wanted: UnsureFilter, verdict: Any, counted: int, now: datetime) -> Operation:
    with database.writing() as session:
        return decide_messages.start(session, wanted, verdict, counted, "k", now)


def done(database: Database, operation: Operation, clock: Any) -> int:
    """Do it page by page; how many transactions it took."""
    pages = decide_messages.pages(database, operation, clock)
    count = 0
    with database.writing() as session:
        operations.begin(session, operation.id, clock())
    while database.write(lambda session: operations.advance(session, operation.id, next(pages))) is not None:
        count += 1
    return count


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (UnsureFilter(), 158),
        (UnsureFilter(status=MessageStatus.PARKED), 5),
        (UnsureFilter(reason="no_answer"), 3),
        (UnsureFilter(template="other"), 5),
        (UnsureFilter(journey="welcome", reason="worker_lost"), 150),
        (UnsureFilter(journey="elsewhere"), 0),
        (UnsureFilter(broadcast="spring"), 0),
        (UnsureFilter(since=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)), 158),
        (UnsureFilter(until=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)), 0),
    ],
)
def test_those_that_many_filters_let_through_are_counted_first(
    database: Database, noon: datetime, clock: Any, wanted: UnsureFilter, count: int
) -> None:
    many(database, noon, clock)
    with database.reading() as session:
        assert unsure_messages.count(session, wanted) == count


def test_many_are_decided_about_in_pages_on_record_and_no_others(
    database: Database, noon: datetime, clock: Any
) -> None:
    many(database, noon, clock)
    clock.forward(hours=1)
    operation = asked(database, UnsureFilter(reason="worker_lost"), "failed", 150, clock())
    assert done(database, operation, clock) == 2
    with database.reading() as session:
        found = Counter((one.status, one.reason) for one in session.exec(select(Message)).all())
        told = session.exec(select(Decision)).all()
        ended = operations.get(session, operation.id)
    assert found == {
        ("failed", "given_up"): 150, ("unknown", "no_answer"): 3, ("parked", "parked"): 5, ("accepted", None): 1,
    }  # fmt: skip
    assert {one.detail["explanation"] for one in told} == {"decided by key k"}
    assert (ended.done, ended.total, ended.result) == (150, 150, {"decided": 150})


def test_where_there_are_more_or_fewer_than_whoever_asks_was_told_nothing_is_done(
    database: Database, noon: datetime, clock: Any
) -> None:
    many(database, noon, clock)
    for counted in (149, 151, 0):
        with pytest.raises(Refused, match="there are 150 such messages now"):
            asked(database, UnsureFilter(reason="worker_lost"), "resend", counted, noon)
    with pytest.raises(Refused, match="there are no such messages"):
        asked(database, UnsureFilter(journey="elsewhere"), "resend", 0, noon)


def test_a_mail_whose_worker_was_lost_is_sent_again_when_no_call_with_it_can_be_under_way(
    database: Database, noon: datetime, clock: Any
) -> None:
    """Whoever lost the lane may be in a call of ten minutes with it."""
    many(database, noon, clock)
    now = clock.forward(minutes=5)
    assert done(database, asked(database, UnsureFilter(), "resend", 158, now), clock) == 2
    assert one(database, "lost-0").not_before == noon + resolving.IN_A_CALL
    assert one(database, "silent-0").not_before == one(database, "parked-0").not_before == now
    assert SmtpSender("smtp://127.0.0.1:25").longest < resolving.IN_A_CALL
    assert SendGridSender("key").longest < resolving.IN_A_CALL


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
            subjects: tuple[tuple[CountedSubject, str], ...] = (("journey", "welcome"), ("topic", "news"))
            for subject, key in subjects:
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
    from services.reports.customer import customer_view

    with database.writing() as session:
        ann = customer_view.customer(session, "ann").id
        messages.add(session, [mail("m", noon, customer_id=ann, status="accepted", accepted_at=noon)])
    with database.writing() as session:
        delivery_events.take(session, [Feedback(send_id="m", kind="complained", at=noon)], "sendgrid", noon)
    with database.writing() as session:
        assert journey_rows.is_paused(session, "welcome")
        assert pauses.resume(session, "welcome", noon).alarm is None
