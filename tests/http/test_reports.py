"""SendGrid's Event Webhook over HTTP, signed with a real key: faults 14, 15, 16."""

import base64
import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from sqlmodel import select

from services.feedback.returns import delivery_events
from services.messages.sending import sending_ledger
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.customers import Consent, Event, Suppression
from store.tables.enrollments import Decision
from store.tables.messages import DeliveryEvent, Message
from tests import kept_counts
from tests.conftest import settings_for
from waypost.processes.api import build
from waypost.wiring import Parts

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
HOOK = "/webhooks/sendgrid"
SIGNATURE, STAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"


@pytest.fixture
def hooked(parts: Parts) -> Iterator[TestClient]:
    """The API of an installation that knows SendGrid's verification key."""
    parts.settings = settings_for(parts.settings.home, sendgrid_webhook_key=PUBLIC)
    with TestClient(build(parts), raise_server_exceptions=False) as made:
        yield made


def signed(body: bytes, stamp: str = "1700000000") -> dict[str, str]:
    signature = PRIVATE.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), STAMP: stamp}


def post(client: TestClient, *events: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps(events).encode()
    answer = client.post(HOOK, content=body, headers=signed(body))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def mail(parts: Parts, noon: datetime) -> str:
    """A mail that SendGrid has accepted."""
    from services.ingestion import ingest

    with parts.database.writing() as session:
        identify = {"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}}
        ingest.ingest(session, [identify], noon)
        from services.reports.customer import customer_view

        row = messages.row(
            "send-1",
            customer_view.customer(session, "ann").id,
            template="t",
            topic="news",
            lane="journey",
            due=noon,
            now=noon,
            status=MessageStatus.ACCEPTED,
            journey="w",
            digest="d",
            stage="s",
            step="x",
            visit=1,
        )
        messages.add(session, [row | {"accepted_at": noon, "provider": "sendgrid"}])
    return "send-1"


def event(kind: str, noon: datetime, seconds: int = 1, **more: Any) -> dict[str, Any]:
    stamp = int(noon.timestamp()) + seconds
    return {
        "event": kind,
        "send_id": "send-1",
        "timestamp": stamp,
        "email": "ann@example.com",
        "category": ["x"],
        **more,
    }


def stands(parts: Parts, **values: Any) -> None:
    """The mail, as somebody else has left it."""
    with parts.database.writing() as session:
        kept_counts.put(session, session.exec(select(Message)).one(), **values)


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


def test_a_mails_life_is_told_in_any_order_and_only_moves_forward(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    life = [
        event("processed", noon, 1), event("deferred", noon, 2, response="421 busy for ann@example.com"),
        event("delivered", noon, 3), event("open", noon, 4), event("click", noon, 5, url="https://x.example/a"),
    ]  # fmt: skip
    random.Random(3).shuffle(life)
    for one in life:
        post(hooked, one)
    (message,) = rows(parts, Message)
    assert (message.status, message.delivery) == ("accepted", "clicked")
    heard = [one.name for one in rows(parts, Event) if one.name.startswith("Message ")]
    assert sorted(heard) == ["Message Clicked", "Message Delivered", "Message Opened"]
    reasons = {one.reason for one in rows(parts, DeliveryEvent) if one.reason}
    assert reasons == {"421 busy for …"}, "no address is kept"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("delivered", "bounced", "arrived"), [(1, 7_200, "bounced"), (7_200, 1, "delivered"), (5, 5, "bounced")]
)
def test_of_a_delivery_and_a_bounce_the_later_one_counts(
    hooked: TestClient,
    parts: Parts,
    mail: str,
    noon: datetime,
    order: tuple[int, int],
    delivered: int,
    bounced: int,
    arrived: str,
) -> None:
    """A server takes a mail and sends it back hours later; reports come in any order."""
    reports = [event("delivered", noon, delivered), event("bounce", noon, bounced, type="bounce", reason="550 gone")]
    for index in order:
        post(hooked, reports[index])
    assert [one.delivery for one in rows(parts, Message)] == [arrived]
    assert [one.reason for one in rows(parts, Suppression)] == ["bounce"]
    post(hooked, event("click", noon, 9_000, url="https://x.example/a"))
    assert [one.delivery for one in rows(parts, Message)] == ["clicked"], "somebody has it in their hands"


def test_one_event_forty_six_times_counts_once(hooked: TestClient, parts: Parts, mail: str, noon: datetime) -> None:
    """Fault 14: the provider's ids change, or are absent."""
    copies = [event("delivered", noon, sg_event_id=f"id-{number}" if number % 3 else None) for number in range(46)]
    first, again = post(hooked, *copies), post(hooked, *copies)
    assert (first["taken"], first["repeated"], again["taken"]) == (1, 45, 0)
    same = [event("open", noon, second, sg_event_id="same") for second in (5, 6)]
    assert post(hooked, *same)["taken"] == 1
    assert [one.name for one in rows(parts, Event)].count("Message Delivered") == 1


def test_a_bounce_suppresses_and_a_block_does_not(hooked: TestClient, parts: Parts, mail: str, noon: datetime) -> None:
    post(hooked, event("bounce", noon, 1, type="blocked", reason="550 spam?"))
    assert rows(parts, Suppression) == []
    post(hooked, event("bounce", noon, 2, type="bounce", reason="550 no such user"))
    assert [(one.email, one.reason) for one in rows(parts, Suppression)] == [("ann@example.com", "bounce")]


def test_a_complaint_suppresses_and_an_unsubscribe_leaves_the_topic(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    post(hooked, event("unsubscribe", noon, 1))
    assert [(one.topic, one.granted) for one in rows(parts, Consent)] == [("news", False)]
    post(hooked, event("spamreport", noon, 2))
    assert [one.reason for one in rows(parts, Suppression)] == ["complaint"]


def test_a_machines_open_is_kept_apart(hooked: TestClient, parts: Parts, mail: str, noon: datetime) -> None:
    post(hooked, event("open", noon, sg_machine_open=True))
    assert [one.machine for one in rows(parts, DeliveryEvent)] == [True]
    assert "Message Opened" not in [one.name for one in rows(parts, Event)]


@pytest.mark.parametrize("status", ["unknown", "parked"])
def test_any_report_proves_that_an_unknown_mail_was_taken(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime, status: str
) -> None:
    stands(parts, status=status, reason="no_answer", accepted_at=None)
    post(hooked, event("open", noon, 9))
    (message,) = rows(parts, Message)
    assert (message.status, message.reason, message.accepted_at is not None) == ("accepted", None, True)


def test_a_report_before_our_own_record_saves_a_lost_mail(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    """Fault 15: the worker died after the provider took it; whoever takes over sees what was reported."""
    stands(parts, status="sending", fence="dead", accepted_at=None)
    post(hooked, event("delivered", noon))
    with parts.database.writing() as session:
        sending_ledger.take_over(session, "journey", "fresh", noon)
    assert rows(parts, Message)[0].status == "accepted"


def test_reports_about_nobody_and_nothing_are_counted(hooked: TestClient, mail: str, noon: datetime) -> None:
    told = post(
        hooked, event("delivered", noon, send_id="gone") | {"send_id": "gone"}, {"event": "account_status_change"},
        {"event": "delivered"}, event("delivered", noon, timestamp="x") | {"timestamp": "x"}, event("account_status_change", noon),
    )  # fmt: skip
    assert told == {"taken": 1, "repeated": 0, "unknown": 1, "unreadable": 1}


def test_a_kind_of_which_we_have_no_word_is_kept_and_moves_nothing(
    hooked: TestClient, client: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    post(hooked, event("delivered", noon, 1), event("account_status_change", noon, 2))
    shown = client.get(f"/v1/messages/{mail}").json()
    assert shown["delivery"] == "delivered"
    assert [(one["kind"], one["reason"]) for one in shown["reports"]] == [
        ("delivered", None), ("unknown", "account_status_change"),
    ]  # fmt: skip
    assert [one.what for one in rows(parts, Decision)] == ["delivered"]


def test_what_is_not_signed_is_forbidden_and_changes_nothing(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    """Fault 16: bad, replayed under another body, missing, malformed."""
    body = json.dumps([event("spamreport", noon)]).encode()
    good = signed(body)
    other = ec.generate_private_key(ec.SECP256R1()).sign(good[STAMP].encode() + body, ec.ECDSA(hashes.SHA256()))
    for headers, sent in (
        ({}, body),
        ({SIGNATURE: good[SIGNATURE]}, body),
        ({STAMP: good[STAMP]}, body),
        ({**good, SIGNATURE: "not base64!"}, body),
        ({**good, SIGNATURE: base64.b64encode(other).decode()}, body),
        ({**good, STAMP: "1700000001"}, body),
        (good, body + b" "),
        (good, b"\xff\xfe"),
        (good, b""),
    ):
        answer = hooked.post(HOOK, content=sent, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:waypost:problem:forbidden")
    assert rows(parts, DeliveryEvent) == rows(parts, Suppression) == []
    for sent in (b"{", b"{}", b"5"):
        assert hooked.post(HOOK, content=sent, headers=signed(sent)).status_code == 422


def test_without_a_key_nobody_may_report(client: TestClient) -> None:
    assert client.post(HOOK, content=b"[]").status_code == 404


def test_a_message_shows_what_was_reported(
    hooked: TestClient, client: TestClient, parts: Parts, mail: str, noon: datetime
) -> None:
    post(hooked, event("delivered", noon, 1), event("click", noon, 2, url="https://x.example/a"))
    shown = client.get(f"/v1/messages/{mail}").json()
    assert shown["delivery"] == "clicked"
    assert [(one["kind"], one["url"]) for one in shown["reports"]] == [
        ("delivered", None), ("clicked", "https://x.example/a"),
    ]  # fmt: skip


def test_a_person_decides_about_a_mail_that_is_parked(
    client: TestClient, parts: Parts, mail: str, keys: dict[str, str]
) -> None:
    stands(parts, status="parked", reason="parked")
    assert [one["id"] for one in client.get("/v1/messages?status=parked").json()["items"]] == [mail]
    support = {"Authorization": f"Bearer {keys['support']}"}
    assert client.post(f"/v1/messages/{mail}/decide", json={"as": "accepted"}, headers=support).status_code == 403
    assert client.post(f"/v1/messages/{mail}/decide", json={"as": "maybe"}).status_code == 422
    assert client.post(f"/v1/messages/{mail}/decide", json={"as": "resend"}).json()["status"] == "planned"
    again = client.post(f"/v1/messages/{mail}/decide", json={"as": "resend"})
    assert (again.status_code, "is planned" in again.json()["detail"]) == (409, True)
    assert client.get("/v1/audit?kind=message").json()["items"][0]["action"] == "decided resend"


def test_one_report_that_raises_leaves_its_neighbours_theirs(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = delivery_events._ReportBatch._forward

    def failing(batch: Any, report: Any, *rest: Any) -> None:
        if report.kind == "opened":
            raise KeyError("nobody expects this")
        forward(batch, report, *rest)

    monkeypatch.setattr(delivery_events._ReportBatch, "_forward", failing)
    answer = post(
        hooked, event("delivered", noon), event("open", noon, 2), event("click", noon, 3, url="https://x.example")
    )
    assert (answer["taken"], answer["unreadable"]) == (2, 1)
    assert sorted(one.kind for one in rows(parts, DeliveryEvent)) == ["clicked", "delivered"]


def test_a_batch_of_reports_is_looked_up_by_sets(
    hooked: TestClient, parts: Parts, mail: str, noon: datetime, statements: Any
) -> None:
    """Reports that are known, and about mails that are gone, cost no statement each."""
    known = [event("delivered", noon, seconds=number) for number in range(100)]
    post(hooked, *known)
    gone = [event("delivered", noon, send_id=f"gone-{number}") for number in range(100)]
    with statements(parts.database, at_most=20):
        assert post(hooked, *known, *gone)["repeated"] == 100
