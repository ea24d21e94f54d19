"""Goals, journeys that start others, and hooks: what a step leaves behind in the store."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from mail.webhooks.answer import HookAnswer
from services.definitions.journey_versions import journeys
from services.enrollments import hooks
from services.enrollments.hooks import DueHook
from services.errors import Fenced
from store.tables.enrollments import Enrollment, Hook
from store.tables.messages import Message
from tests import kept_counts
from tests.store.town import Publish, Town


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
    unexpected: list[str] = []
    with hooked.database.writing() as session:
        taken = hooks.claim(session, "owner", 10, noon, unexpected=lambda: unexpected.append("hook"))
    assert ([one.step.id for one in taken], unexpected) == (["a/notify"], ["hook"])
    found = {one.kind: (one.status, one.error) for one in hooked.rows(Hook)}
    assert found["webhook"] == ("failed", "it cannot be made out: KeyError")


def test_an_archived_journey_calls_nobody_any_more(hooked: Town, noon: datetime) -> None:
    with hooked.database.writing() as session:
        journeys.archive(session, "j", noon)
    assert {one.status for one in hooked.rows(Hook)} == {"cancelled"}
    assert claimed(hooked, noon) == []
