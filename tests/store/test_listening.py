"""What follows from an event in the store: segments, dates, goals, keys, journeys that start others, hooks, sweeps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from journeys.machine.inputs import Begin, EventArrived
from journeys.machine.state import State
from mail.webhooks.answer import HookAnswer
from services.customers import segments
from services.definitions import journeys
from services.enrollments import hooks, schedules
from services.enrollments.hooks import DueHook
from services.errors import InvalidInput, Refused
from services.ingestion import ingest
from services.ingestion.ingest import IngestResult
from services.messages.claiming import Fenced
from services.upkeep import upkeep
from services.values import instant
from store.session import Database
from store.tables.customers import Customer, DateDue, SeenEventName, SegmentMember
from store.tables.enrollments import Decision, Dispatch, Enrollment, Hook
from store.tables.messages import Message
from tests import kept_counts
from tests.shells import Shell

Ingest = Callable[..., IngestResult]
Publish = Callable[[str, str], None]


class Town:
    """Every workflow there would be, worked off at once, without Temporal."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        self.shells: dict[str, Shell] = {}

    def happens(self, *messages: dict[str, Any]) -> None:
        with self.database.writing() as session:
            ingest.ingest(session, messages, self.now)
        self.settle()

    def event(self, name: str, user: str = "ann", **properties: Any) -> None:
        self.happens({"type": "track", "userId": user, "event": name, "properties": properties})

    def identify(self, user: str = "ann", **traits: Any) -> None:
        self.happens({"type": "identify", "userId": user, "traits": traits})

    def upkeep(self) -> None:
        while True:
            with self.database.writing() as session:
                if not upkeep.do(session, self.now):
                    break
        self.settle()

    def settle(self) -> None:
        while rows := self._dispatched():
            for row in rows:
                self._carry(row)

    def _dispatched(self) -> list[Dispatch]:
        with self.database.writing() as session:
            rows = list(session.exec(select(Dispatch).order_by(col(Dispatch.id))).all())
            for row in rows:
                session.delete(row)
        return rows

    def _carry(self, row: Dispatch) -> None:
        if row.kind == "start":
            state = TypeAdapter(State).validate_python(row.payload["state"])
            self.shells[row.enrollment_id] = Shell(self.database, row.payload["digest"], state)
            self.shells[row.enrollment_id].take(Begin(at=self.now), self.now)
        elif row.kind == "event":
            at = instant(row.payload["at"], "at")
            event = EventArrived(at=at, seq=row.payload["seq"], name=row.payload["name"])
            self.shells[row.enrollment_id].take(event, self.now)

    # -- what is stored ----

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(select(table)).all())

    def stages(self, journey: str) -> list[str]:
        return sorted(
            f"{one.stage}{' ' + one.key if one.key else ''}" for one in self.rows(Enrollment) if one.journey == journey
        )

    def decided(self, what: str) -> list[dict[str, Any]]:
        return [one.detail for one in self.rows(Decision) if one.what == what]


@pytest.fixture
def town(database: Database, noon: datetime) -> Town:
    return Town(database, noon)


def put_segment(town: Town, key: str, guard: str) -> None:
    with town.database.writing() as session:
        segments.put(session, key, guard, None, town.now)


# -- guards that turn true ---------------------------------------------------------------------------------------------


def test_a_change_of_the_profile_reaches_who_waits_for_a_guard(town: Town, publish: Publish) -> None:
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: customer.plan == 'pro', to: b}]}\n  b: {}",
    )
    town.event("Signed Up")
    town.identify(first_name="Ann")
    assert town.stages("j") == ["a"]
    town.identify(plan="pro")
    assert town.stages("j") == ["b"]


def test_what_one_journey_sets_another_hears(town: Town, publish: Publish) -> None:
    publish(
        "listens",
        "journey: listens\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: customer.plan == 'pro', to: b}]}\n  b: {}",
    )
    publish("sets", "journey: sets\nenter: [{on: Paid}]\nstart: a\nstages: {a: {steps: [{set: {plan: pro}}]}}")
    town.event("Signed Up")
    town.event("Paid")
    assert town.stages("listens") == ["b"]


def test_a_guard_over_all_events_is_woken_by_any(town: Town, publish: Publish) -> None:
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: size(customer.events) >= 3, to: b}]}\n  b: {}",
    )
    town.event("Signed Up")
    town.event("E")
    assert town.stages("j") == ["a"]
    town.event("F")
    assert town.stages("j") == ["b"]


# -- keys --------------------------------------------------------------------------------------------------------------

CART = """
journey: cart
enter: [{on: Cart Updated}]
key: event.cart_id
exit: [{on: Order Completed, when: event.properties.cart_id == enrollment.key}]
start: open
stages: {open: {steps: [{wait: 1 day}]}}
"""


def test_runs_stand_side_by_side_by_key(town: Town, publish: Publish) -> None:
    publish("cart", CART)
    town.event("Cart Updated", cart_id="c1")
    town.event("Cart Updated", cart_id=2)
    town.event("Cart Updated", cart_id="c1")
    town.event("Cart Updated")
    assert town.stages("cart") == ["open 2", "open c1"]
    assert [one["reason"] for one in town.decided("not_entered")] == ["already_enrolled", "no_key"]
    town.event("Order Completed", cart_id="c1")
    ended = [one.key for one in town.rows(Enrollment) if one.status == "ended"]
    assert ended == ["c1"]
    ids = {one.workflow_id for one in town.rows(Enrollment)}
    assert len(ids) == 2
    assert not any("c1" in one.rpartition("cus_")[2][26:] for one in ids), "a key may be personal, so only its hash"


# -- segments ----------------------------------------------------------------------------------------------------------


def test_joining_a_segment_lets_a_customer_in(town: Town, publish: Publish) -> None:
    put_segment(town, "vip", 'customer.events["Order"].count >= 2')
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")
    town.event("Order")
    assert town.stages("j") == []
    town.event("Order")
    assert town.stages("j") == ["a"]
    assert [one.segments for one in town.rows(Customer)] == [["vip"]]


def test_another_segment_says_nothing_to_a_journey(town: Town, publish: Publish) -> None:
    put_segment(town, "vip", "customer.vip")
    put_segment(town, "team", "customer.plan == 'team'")
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")
    town.identify(plan="team")
    assert (town.stages("j"), town.decided("not_entered")) == ([], [])
    town.identify(vip=True)
    assert town.stages("j") == ["a"]


def test_a_customer_leaves_a_segment_when_its_guard_turns_false(town: Town, publish: Publish) -> None:
    put_segment(town, "team", "customer.plan == 'team'")
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages:\n"
        "  a: {transitions: [{when: '!(\"team\" in customer.segments)', to: b}]}\n  b: {}",
    )
    town.identify(plan="team")
    town.event("Signed Up")
    assert (town.stages("j"), len(town.rows(SegmentMember))) == (["a"], 1)
    town.identify(plan="solo")
    assert (town.stages("j"), town.rows(SegmentMember)) == (["b"], [])


def test_a_new_segment_looks_at_everybody_once(town: Town, publish: Publish) -> None:
    for number in range(3):
        town.identify(user=f"u{number}", plan="team" if number else "solo")
    put_segment(town, "team", "customer.plan == 'team'")
    assert town.rows(SegmentMember) == []
    town.upkeep()
    assert len(town.rows(SegmentMember)) == 2


def test_time_alone_changes_a_segment_that_reads_now(town: Town) -> None:
    put_segment(
        town, "quiet", 'customer.events["Order"].count > 0 && now - customer.events["Order"].last_at > duration("24h")'
    )
    town.event("Order")
    town.upkeep()
    assert town.rows(SegmentMember) == []
    town.now += timedelta(days=2)
    town.upkeep()
    assert [one.segment for one in town.rows(SegmentMember)] == ["quiet"]


def test_a_segment_that_cannot_be_is_refused(town: Town, publish: Publish) -> None:
    for guard in ("customer.plan ==", "event.name == 'x'"):
        with pytest.raises(InvalidInput):
            put_segment(town, "wrong", guard)
    put_segment(town, "vip", "customer.vip")
    publish("j", "journey: j\nenter: [{segment: vip}]\nstart: a\nstages: {a: {}}")

    def delete(session: Session) -> None:
        segments.delete(session, "vip", segments.used_by(journeys.all_live(session), "vip"), town.now)

    with pytest.raises(Refused, match="lets customers into j"), town.database.writing() as session:
        delete(session)


# -- dates -------------------------------------------------------------------------------------------------------------


def test_a_date_of_the_customer_lets_them_in(town: Town, publish: Publish) -> None:
    publish(
        "trial",
        "journey: trial\nenter: [{date: customer.ends, offset: -3 days, at: '09:00'}]\nstart: a\nstages: {a: {}}",
    )
    town.identify(ends="2026-03-20", timezone="Europe/Berlin")
    assert [one.at for one in town.rows(DateDue)] == [datetime(2026, 3, 17, 8, 0, tzinfo=UTC)]
    town.identify(ends="2026-03-10")
    assert [one.at for one in town.rows(DateDue)] == [datetime(2026, 3, 7, 8, 0, tzinfo=UTC)]
    town.now = datetime(2026, 3, 7, 8, 0, tzinfo=UTC)
    town.upkeep()
    assert (town.stages("trial"), town.rows(DateDue)) == (["a"], [])


def test_a_yearly_date_comes_again(town: Town, publish: Publish) -> None:
    publish(
        "day",
        "journey: day\nenter: [{date: customer.birthday, every: year}]\nreentry: after_exit\nstart: a\nstages: {a: {final: true}}",
    )
    town.identify(birthday="1984-02-29")
    assert [one.at.date().isoformat() for one in town.rows(DateDue)] == ["2027-02-28"]
    town.now = datetime(2027, 2, 28, tzinfo=UTC)
    town.upkeep()
    assert [one.at.date().isoformat() for one in town.rows(DateDue)] == ["2028-02-29"]
    town.now = datetime(2028, 2, 29, tzinfo=UTC)
    town.upkeep()
    assert len(town.stages("day")) == 2


def test_publishing_looks_at_the_dates_of_those_who_are_there(town: Town, publish: Publish) -> None:
    town.identify(ends="2026-03-20")
    publish("trial", "journey: trial\nenter: [{date: customer.ends}]\nstart: a\nstages: {a: {}}")
    assert town.rows(DateDue) == []
    town.upkeep()
    assert len(town.rows(DateDue)) == 1


# -- goals, journeys that start others, hooks --------------------------------------------------------------------------


def test_a_goal_is_credited_to_the_last_message_within_its_window(town: Town, publish: Publish, noon: datetime) -> None:
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\ngoal: {on: Order, within: 2 days}\nstart: a\nstages: {a: {steps: [{send: mail_a}]}}",
    )
    town.identify(email="ann@example.com")
    town.event("Signed Up")
    with town.database.writing() as session:
        message = session.exec(select(Message)).one()
        kept_counts.put(session, message, "accepted", accepted_at=noon)
    town.event("Order")
    town.now += timedelta(days=3)
    town.event("Order")
    assert [one["credited"] for one in town.decided("converted")] == [message.id, None]


def test_a_step_starts_another_journey_once(town: Town, publish: Publish) -> None:
    publish("second", "journey: second\nstart: a\nstages: {a: {}}")
    publish(
        "first",
        "journey: first\nenter: [{on: Signed Up}]\nstart: a\n"
        "stages: {a: {steps: [{enroll: {journey: second, data: {from: first}}}, {id: again, enroll: second}, {id: gone, enroll: second}]}}",
    )
    town.event("Signed Up")
    assert town.stages("second") == ["a"]
    assert [one.data for one in town.rows(Enrollment) if one.journey == "second"] == [{"from": "first"}]
    assert [one.get("refused") for one in town.decided("enrolling")] == [None, "already_enrolled", "already_enrolled"]


def claimed(town: Town, at: datetime) -> list[DueHook]:
    with town.database.writing() as session:
        return sorted(hooks.claim(session, "owner", 10, at), key=lambda one: one.step.id)


def answered(town: Town, due: DueHook, answer: HookAnswer, at: datetime, owner: str = "owner") -> None:
    with town.database.writing() as session:
        hooks.record(session, owner, due.id, due.attempt, answer, at)


@pytest.fixture
def hooked(town: Town, publish: Publish, noon: datetime) -> Town:
    """A webhook and a note by mail are due, and somebody owns the hooks."""
    publish(
        "j",
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\n"
        "stages: {a: {steps: [{webhook: 'https://example.com/x'}, {notify: {email: a@example.com, text: hi}}]}}",
    )
    town.event("Signed Up")
    with town.database.writing() as session:
        hooks.take_over(session, "owner", noon)
    return town


def test_a_webhook_waits_in_the_ledger_until_it_is_taken(hooked: Town, noon: datetime) -> None:
    note, webhook = claimed(hooked, noon)
    answered(hooked, note, HookAnswer(outcome="delivered"), noon)
    answered(hooked, webhook, HookAnswer(outcome="again", status=503), noon)
    assert [one.kind for one in hooked.rows(Hook) if one.status == "planned"] == ["webhook"]
    assert claimed(hooked, noon) == []
    at = noon + timedelta(seconds=5)
    for _ in range(len(hooks.RETRIES)):
        (webhook,) = claimed(hooked, at)
        answered(hooked, webhook, HookAnswer(outcome="again", status=503), at)
        at += timedelta(days=1)
    assert hooked.decided("hook_failed") == [{"hook": webhook.id, "attempts": 9, "stuck": True, "answer": 503}]
    assert len(hooked.decided("hook_delivered")) == 1
    assert {one.kind: one.status for one in hooked.rows(Hook)} == {"webhook": "stuck", "notify": "delivered"}


def test_a_call_that_its_owner_lost_is_made_again_and_a_note_by_mail_is_not(hooked: Town, noon: datetime) -> None:
    claimed(hooked, noon)
    with hooked.database.writing() as session:
        assert hooks.take_over(session, "heir", noon) == 2
    found = {one.kind: (one.status, one.error) for one in hooked.rows(Hook)}
    assert found == {
        "webhook": ("planned", "the worker was lost while it was called"),
        "notify": ("failed", hooks.MAY_HAVE_GONE),
    }
    with pytest.raises(Fenced), hooked.database.writing() as session:
        hooks.claim(session, "owner", 10, noon)


def test_the_answer_of_a_lost_owner_changes_nothing(hooked: Town, noon: datetime) -> None:
    _, webhook = claimed(hooked, noon)
    with hooked.database.writing() as session:
        hooks.take_over(session, "heir", noon)
    answered(hooked, webhook, HookAnswer(outcome="failed", status=400), noon)
    assert [one.status for one in hooked.rows(Hook) if one.kind == "webhook"] == ["planned"]


def test_a_hook_whose_step_is_gone_fails_alone(hooked: Town, noon: datetime) -> None:
    with hooked.database.writing() as session:
        session.exec(select(Hook).where(Hook.kind == "webhook")).one().step = "a/gone"
    assert [one.step.id for one in claimed(hooked, noon)] == ["a/notify"]
    found = {one.kind: (one.status, one.error) for one in hooked.rows(Hook)}
    assert found["webhook"] == ("failed", "it cannot be made out: KeyError")


def test_an_archived_journey_calls_nobody_any_more(hooked: Town, noon: datetime) -> None:
    with hooked.database.writing() as session:
        journeys.archive(session, "j", noon)
    assert {one.status for one in hooked.rows(Hook)} == {"cancelled"}
    assert claimed(hooked, noon) == []


# -- sweeps ------------------------------------------------------------------------------------------------------------

DIGEST = "journey: digest\nenter: [{schedule: {at: '09:00', on: mon}, segment: team, when: customer.reads}]\nreentry: after_exit\nstart: a\nstages: {a: {final: true}}"


def test_a_sweep_lets_members_in_once_an_occasion(
    town: Town, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "PAGE", 2)
    put_segment(town, "team", "customer.plan == 'team'")
    publish("digest", DIGEST)
    for number in range(5):
        town.identify(user=f"u{number}", plan="team", reads=number != 3)

    def sweep(occasion: str) -> int:
        with town.database.reading() as session:
            digest = journeys.live(session, "digest")[0].digest
        cursor, entered = "", 0
        while True:
            with town.database.writing() as session:
                done = schedules.page(session, digest, "enter[0]", occasion, cursor, town.now)
            if done is None:
                town.settle()
                return entered
            cursor, entered = done[0], entered + done[1]

    assert (sweep("monday"), sweep("monday"), sweep("tuesday")) == (4, 0, 4)
    assert {one["reason"] for one in town.decided("not_entered")} == {"guard_false"}


def test_event_names_are_remembered(town: Town) -> None:
    town.event("Signed Up")
    town.event("Signed Up")
    town.event("Order")
    assert {one.name for one in town.rows(SeenEventName)} == {"Signed Up", "Order"}
