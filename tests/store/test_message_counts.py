"""Counts of messages that are kept: after whatever may become of mails, in any order, they equal the rows."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from mail.providers.events import Feedback
from services.feedback.returns import delivery_events
from services.jobs import erasure
from services.messages.deciding import withdrawing
from services.messages.sending import sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from services.messages.waiting import resolving
from services.reports.health.reconciliation import reconcile
from store.queries.figures import message_counts
from store.queries.mails import messages
from store.session import Database
from store.statuses import UNSURE, MessageStatus
from store.tables.customers import Customer
from store.tables.definitions import Journey
from store.tables.messages import Message
from tests import kept_counts

ENDS = (MessageStatus.ACCEPTED, MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.PLANNED)
REASONS = {MessageStatus.FAILED: "rejected", MessageStatus.UNKNOWN: "no_answer", MessageStatus.PLANNED: "provider_busy"}
REPORTS = ("deferred", "bounced", "delivered", "opened", "clicked", "complained")


class Fates:
    """Everything that may become of mails, by chance."""

    def __init__(self, database: Database, seed: int, now: datetime) -> None:
        self.database, self.chance, self.now, self.made = database, random.Random(seed), now, 0

    def step(self) -> None:
        self.now += timedelta(minutes=self.chance.choice((1, 30, 2_000)))
        work = self.chance.choice(
            (self.planned, self.planned, self.claimed, self.claimed, self.frozen, self.frozen, self.given_back,
             self.recorded, self.recorded, self.reported, self.withdrawn, self.taken_over, self.evidence, self.decided, self.erased)
        )  # fmt: skip
        self.database.write(work)

    def some(self, session: Session, *statuses: MessageStatus) -> list[Message]:
        found = session.exec(select(Message).order_by(Message.id)).all()
        fitting = [one for one in found if one.status in statuses or not statuses]
        return self.chance.sample(fitting, min(len(fitting), self.chance.randint(1, 4)))

    def planned(self, session: Session) -> None:
        rows = []
        for _ in range(self.chance.randint(1, 5)):
            self.made += 1
            campaign: dict[str, Any] = self.chance.choice(
                ({"journey": "j"}, {"journey": "k"}, {"broadcast": "b", "variant": "a"}, {})
            )
            mail: dict[str, Any] = {
                "template": self.chance.choice("tu"),
                "topic": "news",
                "lane": "journey",
                "due": self.now,
            }
            customer = f"cus_{self.chance.randint(1, 6)}"
            rows.append(messages.row(f"m{self.made}", customer, **mail, **campaign, now=self.now, not_before=self.now))
        messages.add(session, rows)

    def claimed(self, session: Session) -> None:
        ids = [one.id for one in self.some(session)]
        messages.claim(session, ids, "mine", self.now)

    def frozen(self, session: Session) -> None:
        attempts = {one.id: one.attempt for one in self.some(session, MessageStatus.CLAIMED)}
        messages.freeze(session, attempts, "mine", self.now)

    def given_back(self, session: Session) -> None:
        messages.give_back(session, [one.id for one in self.some(session, MessageStatus.CLAIMED)], "mine", self.now)

    def recorded(self, session: Session) -> None:
        results = [self.result(one.id) for one in self.some(session, MessageStatus.SENDING, MessageStatus.UNKNOWN)]
        sending_ledger.record(session, "mine", results, self.now)

    def result(self, send_id: str) -> AttemptResult:
        status = self.chance.choice(ENDS)
        return AttemptResult(send_id=send_id, status=status, reason=REASONS.get(status), provider="outbox")

    def reported(self, session: Session) -> None:
        reports = [
            Feedback(send_id=one.id, kind=self.chance.choice(REPORTS), at=self.now, machine=self.chance.random() < 0.3)
            for one in self.some(session, MessageStatus.SENDING, MessageStatus.ACCEPTED, *UNSURE)
        ]
        delivery_events.take(session, reports, "p", self.now)

    def withdrawn(self, session: Session) -> None:
        for one in self.some(session):
            withdrawing.withdraw(session, one.id, "pre_empted", self.now)

    def taken_over(self, session: Session) -> None:
        sending_ledger.take_over(session, "journey", f"other{self.made}", self.now)

    def evidence(self, session: Session) -> None:
        for one in self.some(session, MessageStatus.UNKNOWN):
            said = self.chance.choice(("accepted", "absent", "unknowable"))
            sending_ledger.decide_unknown(session, one.id, said, self.now)

    def decided(self, session: Session) -> None:
        for one in self.some(session, *UNSURE):
            resolving.decide(session, one.id, self.chance.choice(("accepted", "resend", "failed")), "me", self.now)

    def erased(self, session: Session) -> None:
        if self.chance.random() < 0.2:
            erasure.ROWS["mails"](session, f"cus_{self.chance.randint(1, 6)}", self.now)


@pytest.mark.parametrize("seed", range(4))
def test_kept_counts_equal_the_rows_after_whatever_may_become_of_mails(
    database: Database, noon: datetime, seed: int
) -> None:
    with database.writing() as session:
        for number in range(1, 7):
            session.add(Customer(id=f"cus_{number}", email=f"c{number}@shop.example", created_at=noon, updated_at=noon))
        for key in ("j", "k"):
            session.add(Journey(key=key, created_at=noon, updated_at=noon))
    fates = Fates(database, seed, noon)
    for _ in range(80):
        fates.step()
    kept_counts.assert_true(database)
    kept_counts.assert_returns_true(database)
    with database.reading() as session:
        books = reconcile(session, recount=True)
        planned = [one["messages"]["planned"] for one in (*books["journeys"], *books["broadcasts"])]
        confirmations = sum(one.count for one in message_counts.books(session) if not one.journey + one.broadcast)
    assert books["balanced"], books
    assert sum(planned) + confirmations == fates.made, "nothing is lost, and nothing is counted twice"


def test_a_row_that_is_lost_or_changed_past_the_ledger_is_a_difference_with_a_name(
    database: Database, noon: datetime
) -> None:
    mail = {"template": "t", "topic": "news", "lane": "journey", "due": noon, "now": noon}
    with database.writing() as session:
        session.add(Journey(key="j", created_at=noon, updated_at=noon))
        messages.add(session, [messages.row(f"m{one}", "c", **mail, journey="j") for one in range(3)])
        messages.add(session, [messages.row(f"b{one}", "c", **mail, broadcast="spring") for one in range(3)])
    with database.writing() as session:
        for lost in ("m0", "b0"):
            session.delete(session.get(Message, lost))
        for one in ("m1", "b1"):
            message = session.get(Message, one)
            assert message is not None
            message.status = MessageStatus.SKIPPED
    with database.reading() as session:
        quick, whole = reconcile(session), reconcile(session, recount=True)
    found = {"planned_messages_counted_but_not_kept": 2, "skipped_messages_counted_but_not_kept": -1}
    assert quick["balanced"], "kept counts agree with each other, whatever became of the rows"
    assert [whole["balanced"], whole["journeys"][0]["differences"], whole["broadcasts"][0]["differences"]] == [
        False, found, found
    ]  # fmt: skip
    with database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM message")
        for table in ("message_count", "message_day_count"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")


def test_a_transaction_that_is_undone_counts_nothing(database: Database, noon: datetime) -> None:
    mail = {"template": "t", "topic": "news", "lane": "journey", "due": noon, "now": noon}

    def fails() -> None:
        with database.writing() as session:
            messages.add(session, [messages.row("m", "c", **mail)])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fails()
    with database.reading() as session:
        assert message_counts.outcomes(session) == []


def test_the_report_counts_by_the_day_of_planning(database: Database, noon: datetime) -> None:
    mail: dict[str, Any] = {"template": "t", "topic": "news", "lane": "journey", "journey": "j"}
    with database.writing() as session:
        for days in range(4):
            at = noon - timedelta(days=days)
            messages.add(session, [messages.row(f"m{days}", "c", **mail, due=at, now=at)])
        assert set(messages.claim(session, ["m0", "m1", "m2"], "mine", noon)) == {"m0", "m1", "m2"}
    with database.reading() as session:
        assert message_counts.outcomes(session, "j") == [("j", "t", "claimed", "", 3), ("j", "t", "planned", "", 1)]
        assert message_counts.outcomes(session, "j", noon - timedelta(days=1)) == [("j", "t", "claimed", "", 2)]
        assert message_counts.outcomes(session, "other") == []
