"""The right to be forgotten and the right to see, over every table and every column."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import SQLModel, select
from temporalio.testing import ActivityEnvironment

from mail.message import Mail, Sender
from services.customers import data_export, suppressions
from services.errors import Refused
from services.feedback.answers import consents
from services.installation import installation_settings
from services.operations import operations
from services.reports.customer import customer_view
from services.reports.health import reconciliation
from services.reports.lifecycle import lifecycle_report
from store.queries.enrollment import enrollments
from store.queries.mails import messages, outbox
from store.session import Database
from store.statuses import MessageStatus
from store.tables.access import Rejection
from store.tables.attribution import CreditedOrder, MailCredit, MailOutcome
from store.tables.broadcasts import BroadcastMember
from store.tables.customers import Customer, DateDue, Event, SegmentMember, Suppression
from store.tables.enrollments import ControlRequest, Decision, Dispatch, Hook, Interest
from store.tables.messages import DeliveryEvent, Engagement, MessageBody, PendingClick
from store.tables.note_answers import NoteAnswer
from store.tables.plans import PlanEntry
from store.tables.splits import Assignment
from store.tables.surveys import SurveyAnswer
from store.tables.unreadable_values import UnreadableExample
from waypost.wiring import Parts

SECRETS = ("ann-7", "visitor-7", "former-7", "ann@secret.example", "Annabel", "voucher-7", "S3CRET")

PERSONAL = {
    "customer", "alias", "event", "enrollment", "interest", "decision", "message", "hook", "consent", "segment_member",
    "date_due", "delivery_event", "outbox_mail", "suppression", "audit", "pending_click", "engagement", "broadcast_member",
    "message_body", "control", "address_consent", "customer_word", "plan_entry", "unreadable_example", "assignment",
    "survey_answer", "note_answer", "credited_order", "mail_credit", "mail_outcome",
}  # fmt: skip
"""Tables with rows about one person: erased, and in the export."""

OTHERS = {
    "event_name": "names of events, of nobody",
    "segment": "guards",
    "backfill": "ids of customers as a cursor, opaque",
    "tombstone": "digests",
    "journey": "definitions",
    "experiment": "winners of splits",
    "user_account": "colleagues, who are no customers",
    "user_identity": "colleagues, who are no customers",
    "approval_request": "what colleagues ask of each other about a journey",
    "sign_in_link": "of colleagues",
    "user_session": "of colleagues",
    "hold": "why no mail goes out, and which colleague said so",
    "journey_version": "definitions",
    "draft_text": "definitions",
    "topic": "terms",
    "template": "texts of the house",
    "template_version": "texts of the house",
    "version_template": "definitions",
    "export_counter": "a number",
    "export_mark": "an instant and a number",
    "setting": "of the house; sandbox recipients are colleagues",
    "dispatch": "ids, opaque, until Temporal has them",
    "pulse": "names of parts of the worker",
    "stage_count": "counts",
    "movement": "counts",
    "run_count": "counts",
    "message_count": "counts",
    "message_day_count": "counts",
    "delivery_count": "counts",
    "unreadable_count": "counts",
    "day_count": "counts",
    "revenue_sum": "counts and sums",
    "note_count": "counts",
    "currency_rate": "rates",
    "mail_kind": "what mails have in common",
    "mail_result": "counts and sums",
    "lane": "who delivers",
    "restore": "instants",
    "channel": "the provider's state",
    "bucket": "rates",
    "broadcast": "what goes to many",
    "rejection": "the field and the reason of an event that belongs to nobody",
    "api_key": "hashes",
    "idempotent_answer": "sealed with the caller's key, for a day",
    "operation": "ids, opaque, and counts",
    "operation_error": "line numbers and reasons",
    "upload_part": "a file on its way in, gone when its operation ends",
    "imported_file": "digests",
}


def test_every_table_is_either_personal_or_says_why_not() -> None:
    assert set(SQLModel.metadata.tables) == PERSONAL | set(OTHERS)
    owned = {name for name, table in SQLModel.metadata.tables.items() if "customer_id" in table.c}
    assert owned <= PERSONAL


def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.reading() as session:
        return {
            name: [dict(row) for row in session.connection().execute(table.select()).mappings()]
            for name, table in SQLModel.metadata.tables.items()
        }


def holding(database: Database, *words: str) -> set[tuple[str, str, str]]:
    """Table, column and word wherever one of the words stands."""
    return {
        (table, column, word)
        for table, rows in dump(database).items()
        for row in rows
        for column, value in row.items()
        for word in words
        if word in str(value)
    }


@pytest.fixture
def ann(database: Database, welcome: None, take: Callable[..., Any], noon: datetime) -> str:
    """Somebody with a row in every personal table, beside Bob, of whom nothing must be lost."""
    traits = {"email": "ann@secret.example", "first_name": "Annabel"}
    for user, anonymous in (("ann-7", "visitor-7"), ("bob", "visitor-b")):
        mine = traits if user == "ann-7" else {"email": "bob@example.com"}
        take({"type": "identify", "userId": user, "anonymousId": anonymous, "traits": mine})
        take({"type": "alias", "userId": user, "previousId": f"former-{user[-1]}"})
        take({"type": "track", "userId": user, "event": "Signed Up", "properties": {"code": f"voucher-{user[-1]}"}})
    with database.writing() as session:
        customer = customer_view.customer(session, "ann-7")
        (run,) = enrollments.of_customer(session, customer.id)
        run.data, run.key = {"note": "S3CRET"}, "S3CRET"
        consents.record(session, customer.id, "news", False, "phone S3CRET", noon, noon)
        suppressions.put(session, "ann@secret.example", "complaint", "test", noon)
        common = {"journey": "welcome", "stage": "new", "step": "s", "visit": 1, "digest": run.digest}
        session.add_all(
            [
                run,
                Interest(enrollment_id=run.id, name="Bought", customer_id=customer.id),
                ControlRequest(id="ctl", enrollment_id=run.id, customer_id=customer.id, verb="skip", asked_at=noon),
                SegmentMember(segment="loyal", customer_id=customer.id, since=noon),
                PlanEntry(
                    operation_id="op",
                    enrollment_id=run.id,
                    customer_id=customer.id,
                    kind="stays",
                    version=1,
                    stage="new",
                    to_stage="new",
                ),  # fmt: skip
                DeliveryEvent(
                    id="d",
                    message_id="mail",
                    customer_id=customer.id,
                    provider="p",
                    kind="deferred",
                    at=noon,
                    received_at=noon,
                    reason="S3CRET",
                ),
                Engagement(
                    message_id="mail", kind="clicked", customer_id=customer.id, count=2, first_at=noon, last_at=noon
                ),
                PendingClick(id="c", message_id="mail", customer_id=customer.id, at=noon, url="https://x/S3CRET"),
                Assignment(customer_id=customer.id, journey="welcome", split="tip", variant="long", at=noon),
                SurveyAnswer(
                    message_id="mail",
                    survey="nps",
                    customer_id=customer.id,
                    score=2,
                    label="detractor",
                    words="S3CRET",
                    at=noon,
                    changed_at=noon,
                ),
                NoteAnswer(
                    hook_id="hook",
                    customer_id=customer.id,
                    journey="welcome",
                    stage="new",
                    step="s",
                    answer="taken",
                    seconds=60,
                    at=noon,
                    changed_at=noon,
                ),
                CreditedOrder(customer_id=customer.id, order_key="S3CRET", currency="EUR"),
                MailCredit(
                    customer_id=customer.id,
                    order_key="S3CRET",
                    message_id="mail",
                    kind="k",
                    accepted_at=noon,
                    currency="EUR",
                ),
                MailOutcome(message_id="mail", customer_id=customer.id),
                BroadcastMember(broadcast="spring", customer_id=customer.id),
                DateDue(journey="welcome", trigger="t", customer_id=customer.id, at=noon),
                UnreadableExample(
                    id="u", customer_id=customer.id, source="profile", field="timezone", value="S3CRET", at=noon
                ),
                Hook(
                    id="hook",
                    kind="notify",
                    enrollment_id=run.id,
                    customer_id=customer.id,
                    not_before=noon,
                    created_at=noon,
                    updated_at=noon,
                    error="S3CRET",
                    **common,
                ),
                MessageBody(
                    message_id="mail",
                    customer_id=customer.id,
                    frozen_at=noon,
                    subject="Hi Annabel",
                    html="Annabel S3CRET",
                    text="Annabel",
                    urls=["https://x/S3CRET"],
                ),
            ]  # fmt: skip
        )
        mail = {"template": "mail_a", "topic": "news", "lane": "journey", "due": noon, "now": noon}
        row = messages.row("mail", customer.id, **mail, **common, enrollment_id=run.id, status=MessageStatus.ACCEPTED)
        messages.add(session, [row | {"provider": "outbox"}])
        sender = Sender(name="", email="x@y.z")
        caught = Mail(
            send_id="mail", to="ann@secret.example", sender=sender, subject="Hi Annabel", html="Annabel", text="Annabel"
        )
        outbox.keep(session, [caught], "x@y.z", noon)
        from services.access import audit_log

        audit_log.record(session, "key", "changed", "customer", customer.id, noon, None, {"changed": ["S3CRET"]})
    return customer.id


@pytest.fixture
def erase(database: Database, noon: datetime, parts: Parts) -> Callable[[str], None]:
    """Erase as the worker does."""

    def run(customer_id: str) -> None:
        parts.__dict__["database"] = database
        with database.writing() as session:
            operation = operations.start(session, "erase", {"customer": customer_id}, noon)
        import asyncio

        assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, operation.id)) == "done"

    return run


def test_the_person_leaves_every_table_and_nobody_else(database: Database, ann: str, erase: Any, parts: Parts) -> None:
    before = dump(database)
    assert {name for name, rows in before.items() if rows} >= PERSONAL, "every personal table has a row of theirs"
    others = {name: [row for row in rows if ann not in str(row)] for name, rows in before.items() if name in PERSONAL}
    erase(ann)
    assert holding(database, *SECRETS) == set()
    left = {table for table, _, _ in holding(database, ann)}
    assert left <= {"operation", "dispatch", "audit"}, "where the opaque id stands, and leads nowhere"
    after = dump(database)
    for name in PERSONAL - {"outbox_mail", "suppression", "audit", "alias"}:
        assert len(after[name]) == len(others[name]), name
    (audit,) = after["audit"]
    assert (audit["before"], audit["after"], audit["action"]) == (None, None, "changed")


def test_their_workflows_end_and_the_counts_stay_true(database: Database, ann: str, erase: Any) -> None:
    with database.reading() as session:
        movements = lifecycle_report.lifecycle(session, "welcome")["movements"]
    erase(ann)
    with database.reading() as session:
        ends = [one for one in session.exec(select(Dispatch)).all() if one.kind == "end"]
        assert [one.workflow_id.split("/")[2] for one in ends] == [ann]
        assert lifecycle_report.lifecycle(session, "welcome")["movements"] == movements
        assert lifecycle_report.lifecycle(session, "welcome")["stages"] == {"new": 1}
        books = reconciliation.reconcile(session)
    (book,) = books["journeys"]
    assert (book["entered"], book["live"], book["ended"], book["erased"]) == (2, 1, {"erased": 1}, 1)
    assert book["messages"]["accepted"] == 1
    assert books["balanced"], book["differences"]


@pytest.mark.parametrize(
    "late",
    [
        {"type": "track", "userId": "ann-7", "event": "Bought"},
        {"type": "track", "anonymousId": "visitor-7", "event": "Bought"},
        {"type": "identify", "userId": "former-7", "traits": {"email": "ann@secret.example"}},
        {"type": "alias", "userId": "somebody", "previousId": "ann-7"},
    ],
)
def test_a_late_event_does_not_bring_them_back(
    database: Database, ann: str, erase: Any, take: Callable[..., Any], late: dict[str, Any]
) -> None:
    erase(ann)
    outcome = take(late)
    assert (outcome.accepted, [one.reason for _, one in outcome.rejected]) == (0, ["this customer was erased"])
    assert holding(database, *SECRETS) == set(), "not even in the log of rejections"
    with database.reading() as session:
        assert len(session.exec(select(Customer)).all()) == 1
        assert len(session.exec(select(Rejection)).all()) == 1


def test_a_suppressed_address_stays_so_when_its_owner_is_erased(
    database: Database, ann: str, erase: Any, take: Callable[..., Any], noon: datetime
) -> None:
    erase(ann)
    take({"type": "identify", "userId": "carol", "traits": {"email": "ann@secret.example"}})
    from services.messages.deciding import eligibility

    with database.reading() as session:
        assert session.exec(select(Suppression)).all() == []
        carol = customer_view.customer(session, "carol")
        stands = eligibility.Recipients(session, [carol], installation_settings.load(session), noon)
        assert stands.recipient(carol, "news").suppressed


def test_an_erasure_cut_off_goes_on_and_cannot_be_stopped(
    database: Database, ann: str, parts: Parts, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.jobs import erasure

    parts.__dict__["database"] = database
    with database.writing() as session:
        operation = operations.start(session, "erase", {"customer": ann}, noon)
        with pytest.raises(Refused, match="half way"):
            operations.cancel(session, operation.id)
    pages = erasure.pages(database, operation, lambda: noon)
    for _ in range(4):
        page = next(pages)
        database.write(lambda session, page=page: operations.advance(session, operation.id, page))
    import asyncio

    assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, operation.id)) == "done"
    assert holding(database, *SECRETS) == set()


def test_what_comes_while_somebody_is_erased_goes_too(
    database: Database, ann: str, parts: Parts, noon: datetime
) -> None:
    """A run plans a mail, a lane takes it, the clock moves a segment: between any two pages of the work."""
    from services.jobs import erasure

    with database.writing() as session:
        operation = operations.start(session, "erase", {"customer": ann}, noon)
    for number, page in enumerate(erasure.pages(database, operation, lambda: noon)):
        database.write(lambda session, page=page: operations.advance(session, operation.id, page))
        with database.writing() as session:
            if session.get(Customer, ann) is not None:
                common = {"journey": "welcome", "stage": "new", "step": "s", "visit": 9, "digest": "d"}
                mail = {"template": "mail_a", "topic": "news", "lane": "journey", "due": noon, "now": noon}
                messages.add(session, [messages.row(f"late{number}", ann, **mail, **common, not_before=noon)])
                row = {"id": f"e{number}", "message_id": f"x{number}", "customer_id": ann, "seq": 900 + number}
                session.add(Event(**row, type="track", name="Segment Left", at=noon, received_at=noon))
                session.add(Decision(id=f"d{number}", customer_id=ann, journey="welcome", at=noon, what="noted"))
    after = dump(database)
    assert {name for name in PERSONAL - {"audit"} if ann in str(after[name])} == set()
    assert holding(database, *SECRETS) == set()


def test_the_export_holds_every_row(database: Database, ann: str) -> None:
    before = dump(database)
    with database.reading() as session:
        found = data_export.export(session, customer_view.customer(session, "ann-7"))
    assert set(found) == PERSONAL
    assert found["customer"]["attributes"]["first_name"] == "Annabel"
    for name in PERSONAL - {"customer", "outbox_mail", "suppression", "audit"}:
        mine = [row for row in before[name] if row["customer_id"] == ann]
        assert len(found[name]) == len(mine) > 0, name
        assert set(found[name][0]) == set(SQLModel.metadata.tables[name].c.keys()), "every column"
    for word in SECRETS:
        assert word in str(found), word
    import json

    json.dumps(found)
