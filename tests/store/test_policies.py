"""Policies where journeys meet: consent, topics, sandbox, quiet hours, caps and who wins under them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from journeys.machine.inputs import Planned
from services.customers import suppressions
from services.definitions import topics
from services.feedback.answers import unsubscribing
from services.ingestion.ingest import IngestResult
from services.installation import installation_settings
from services.installation.installation_settings import CapIn, InstallationSettings
from services.messages.sending import claiming, sending_ledger
from services.reports.lifecycle import lifecycle_report
from store.session import Database
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.customers import Consent, Customer
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message
from tests.shells import Shell

Ingest = Callable[..., IngestResult]


def journey(key: str, priority: int = 3, send: str = "mail_a") -> str:
    return (
        f"journey: {key}\npriority: {priority}\nenter: [{{on: {key.title()}}}]\ndefaults: {{topic: news}}\n"
        f"start: s\nstages: {{s: {{steps: [{{send: {send}}}]}}}}"
    )


class House:
    """A database in which journeys plan mails for Ann."""

    def __init__(self, database: Database, publish: Any, take: Ingest, noon: datetime) -> None:
        self.database, self.publish, self.take, self.noon = database, publish, take, noon
        take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "timezone": "Europe/Berlin"}})

    def settings(self, **more: Any) -> None:
        with self.database.writing() as session:
            installation_settings.save(session, InstallationSettings.model_validate(more), self.noon)

    def topic(self, **more: Any) -> None:
        terms = {"name": None, "consent": "opt_out", "transactional": False, "cap": None} | more
        with self.database.writing() as session:
            topics.put(session, "news", now=self.noon, **terms)

    def enters(self, key: str) -> Enrollment:
        self.take({"type": "track", "userId": "ann", "event": key.title()})
        with self.database.reading() as session:
            return session.exec(select(Enrollment).where(Enrollment.journey == key)).one()

    def plans(self, key: str, at: datetime | None = None) -> tuple[str, Planned]:
        """The journey comes to its mail; what becomes of it."""
        enrollment, at = self.enters(key), at or self.noon
        (answer,) = Shell(self.database, enrollment).wake(at).answers
        assert isinstance(answer, Planned)
        return self.message(key).reason or answer.outcome, answer

    def message(self, key: str) -> Message:
        with self.database.reading() as session:
            return session.exec(select(Message).where(Message.journey == key)).one()

    def why(self, key: str) -> dict[str, Any]:
        """What the last decision about the journey's mail says beside its reason."""
        with self.database.reading() as session:
            query = select(Decision).where(Decision.journey == key, col(Decision.what).in_(("skipped", "deferred")))
            last = session.exec(query.order_by(col(Decision.id).desc())).first()
        assert last is not None
        return {name: last.detail[name] for name in ("cap", "filled_by", "suppression") if name in last.detail}

    def claim(self, at: datetime | None = None, lane: str = "journey") -> list[str]:
        at = at or self.noon
        with self.database.writing() as session:
            sending_ledger.take_over(session, lane, "f", at)
            return [one.campaign for one in claiming.claim(session, lane, "f", 10, at)]

    def accept(self, key: str, at: datetime | None = None) -> None:
        with self.database.writing() as session:
            result = sending_ledger.AttemptResult(send_id=self.message(key).id, status=MessageStatus.ACCEPTED)
            sending_ledger.record(session, "f", [result], at or self.noon)


@pytest.fixture
def shop(database: Database, publish: Any, take: Ingest, noon: datetime) -> House:
    made = House(database, publish, take, noon)
    for key, priority in (("one", 3), ("two", 3), ("high", 5), ("low", 1)):
        publish(key, journey(key, priority))
    return made


def test_an_opt_in_topic_waits_for_consent(shop: House) -> None:
    shop.topic(consent="opt_in")
    assert shop.plans("one")[0] == "no_consent"
    with shop.database.writing() as session:
        ann = session.exec(select(Customer.id)).one()
        session.merge(Consent(customer_id=ann, topic="news", granted=True, source="form", at=shop.noon))
    assert shop.plans("two")[0] == "planned"


def test_leaving_everything_outweighs_a_topic(shop: House) -> None:
    with shop.database.writing() as session:
        ann = session.exec(select(Customer.id)).one()
        session.merge(Consent(customer_id=ann, topic="news", granted=True, source="form", at=shop.noon))
        unsubscribing.unsubscribe(session, ann, "*", "test", shop.noon)
    assert shop.plans("one")[0] == "unsubscribed"


def test_a_transactional_topic_asks_nobody_and_has_its_own_lane(shop: House) -> None:
    shop.topic(transactional=True)
    shop.settings(quiet_hours={"from": "10:00", "to": "16:00"}, cap={"max": 1, "per": "1 day"})
    with shop.database.writing() as session:
        unsubscribing.unsubscribe(session, session.exec(select(Customer.id)).one(), "*", "test", shop.noon)
    assert (shop.plans("one")[0], shop.plans("two")[0]) == ("planned", "planned")
    assert shop.message("one").lane == "transactional"


@pytest.mark.parametrize(
    ("listed", "outcome"),
    [(["ann@example.com"], "planned"), (["@EXAMPLE.com"], "planned"), (["@example.co"], "sandbox"), ([], "sandbox")],
)
def test_before_going_live_only_sandbox_recipients_get_mail(shop: House, listed: list[str], outcome: str) -> None:
    shop.settings(sandbox=listed)
    assert shop.plans("one")[0] == outcome


def test_quiet_hours_are_those_of_the_customers_clock(shop: House) -> None:
    shop.settings(quiet_hours={"from": "12:30", "to": "18:00"})
    reason, answer = shop.plans("one")
    assert reason == "quiet_hours"
    assert answer.until == shop.noon + timedelta(hours=5), "it is 13:00 in Berlin, and quiet until 18:00"


def test_a_cap_defers_until_there_is_room(shop: House) -> None:
    shop.settings(cap={"max": 1, "per": "7 days"})
    shop.plans("one")
    assert shop.claim() == ["one"]
    shop.accept("one")
    reason, answer = shop.plans("two", shop.noon + timedelta(days=2))
    assert (reason, answer.until) == ("frequency_cap", shop.noon + timedelta(days=7))


def test_a_decision_names_the_cap_and_the_mails_that_filled_it(shop: House) -> None:
    shop.settings(cap={"max": 2, "per": "7 days"})
    shop.topic(cap=CapIn(max=5, per="1 day"))
    shop.plans("one")
    shop.claim()
    shop.accept("one")
    shop.plans("high", shop.noon + timedelta(days=1))
    shop.plans("two", shop.noon + timedelta(days=2))
    assert shop.why("two") == {
        "cap": {"of": "*", "max": 2, "seconds": 7 * 86_400},
        "filled_by": [shop.message("high").id, shop.message("one").id],
    }


def test_a_claim_names_the_topics_own_cap(shop: House) -> None:
    shop.plans("one")
    shop.plans("two")
    shop.topic(cap=CapIn(max=1, per="36 hours"))
    (went,) = shop.claim()
    (held,) = {"one", "two"} - {went}
    assert shop.why(held) == {
        "cap": {"of": "news", "max": 1, "seconds": 36 * 3_600},
        "filled_by": [shop.message(went).id],
    }


def test_a_decision_names_the_suppression(shop: House) -> None:
    with shop.database.writing() as session:
        suppressions.put(session, "Ann@Example.com", "bounce", "message 17", shop.noon - timedelta(days=3))
    shop.plans("one")
    assert shop.why("one") == {
        "suppression": {"reason": "bounce", "source": "message 17", "at": "2026-02-27T12:00:00+00:00"}
    }


def test_a_topics_own_cap_counts_its_own_mail(shop: House) -> None:
    shop.topic(cap=CapIn(max=1, per="1 day"))
    shop.plans("one")
    shop.claim()
    shop.accept("one")
    assert shop.plans("two", shop.noon + timedelta(hours=1))[0] == "frequency_cap"


def test_of_two_journeys_under_a_cap_the_first_planned_goes(shop: House) -> None:
    shop.settings(cap={"max": 1, "per": "1 day"})
    assert (shop.plans("one")[0], shop.plans("two")[0]) == ("planned", "frequency_cap")
    assert shop.claim() == ["one"]


def test_a_higher_priority_takes_the_place_of_a_lower_on_record(shop: House) -> None:
    shop.settings(cap={"max": 1, "per": "1 day"})
    assert (shop.plans("low")[0], shop.plans("high")[0]) == ("planned", "planned")
    low = shop.message("low")
    assert (low.status, low.reason) == ("skipped", "frequency_cap")
    with shop.database.reading() as session:
        query = select(Decision).where(Decision.what == "skipped").order_by(col(Decision.id).desc())
        assert session.exec(query).first().detail["displaced_by"] == shop.message("high").id  # type: ignore[union-attr]
    assert shop.claim() == ["high"]


def test_a_claim_asks_the_cap_again(shop: House) -> None:
    assert (shop.plans("one")[0], shop.plans("two")[0]) == ("planned", "planned")
    shop.settings(cap={"max": 1, "per": "1 day"})
    assert len(shop.claim()) == 1, "the two stand in one batch, and there is room for one"
    states = {shop.message(key).status: shop.message(key).not_before for key in ("one", "two")}
    assert states[MessageStatus.PLANNED] == shop.noon + timedelta(days=1)


def test_the_installations_zone_holds_where_nobody_names_one(shop: House, take: Ingest) -> None:
    take({"type": "identify", "userId": "ann", "traits": {"timezone": None}})
    shop.settings(timezone="America/New_York", quiet_hours={"from": "20:00", "to": "08:00"})
    reason, answer = shop.plans("one")
    assert (reason, answer.until) == ("quiet_hours", shop.noon + timedelta(hours=1)), "07:00 in New York"


# -- stages that are not to be written to ------------------------------------------------------------------------------

GONE = """
journey: life
lifecycle: true
enter: [{on: Life}]
defaults: {topic: news}
start: there
stages:
  there:
    transitions: [{on: Left, to: gone}]
  gone:
    mailable: false
    phase: inactive
    label: Left alone
    steps: [{send: mail_a}, {send: {template: mail_b, transactional: true}}]
    transitions: [{on: Came Back, to: there}]
"""


@pytest.fixture
def life(shop: House, publish: Any) -> Shell:
    publish("life", GONE)
    shell = Shell(shop.database, shop.enters("life"))
    shell.wake(shop.noon)
    return shell


def goes(shop: House, life: Shell, event: str, minutes: int) -> None:
    shop.take({"type": "track", "userId": "ann", "event": event}, at=shop.noon + timedelta(minutes=minutes))
    life.wake(shop.noon + timedelta(minutes=minutes))


def test_a_stage_that_is_not_to_be_written_to_binds_every_journey(shop: House, life: Shell) -> None:
    assert shop.plans("one")[0] == "planned"
    goes(shop, life, "Left", 1)
    assert shop.plans("two", shop.noon + timedelta(minutes=2))[0] == "not_mailable"
    with shop.database.reading() as session:
        mails = {
            one.template: one.reason or one.status
            for one in session.exec(select(Message).where(Message.journey == "life"))
        }
        last = session.exec(select(Decision).where(Decision.journey == "two", Decision.what == "skipped")).one()
    assert mails == {"mail_a": "not_mailable", "mail_b": "planned"}
    assert last.detail["bound_by"] == [{"journey": "life", "stage": "gone"}]
    at = shop.noon + timedelta(minutes=3)
    assert (shop.claim(at, "journey"), shop.claim(at, "transactional")) == ([], ["life"])
    assert shop.message("one").reason == "not_mailable", "what was planned before is asked again"


def test_whoever_comes_back_is_written_to_again(shop: House, life: Shell) -> None:
    goes(shop, life, "Left", 1)
    goes(shop, life, "Came Back", 2)
    assert shop.plans("one", shop.noon + timedelta(minutes=3))[0] == "planned"


def test_a_run_that_has_ended_binds_nobody(shop: House, life: Shell) -> None:
    goes(shop, life, "Left", 1)
    with shop.database.writing() as session:
        run = session.exec(select(Enrollment).where(Enrollment.journey == "life")).one()
        run.status, run.ended_at = EnrollmentStatus.ENDED, shop.noon
        session.add(run)
    assert shop.plans("one", shop.noon + timedelta(minutes=3))[0] == "planned"


def test_reports_keep_the_order_of_the_stages_with_their_labels_and_phases(shop: House, life: Shell) -> None:
    with shop.database.reading() as session:
        report = lifecycle_report.lifecycle(session, "life")
    assert report["places"] == [
        {"stage": "there", "label": None, "phase": None, "mailable": True, "count": 1},
        {"stage": "gone", "label": "Left alone", "phase": "inactive", "mailable": False, "count": 0},
    ]
    assert list(report["stages"].items()) == [("there", 1)]
