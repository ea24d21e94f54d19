"""`waypost.client` against the real API: typed calls, safe repeats, lists that read on, problems as exceptions."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from services.errors import InvalidInput, NotFound
from waypost.cli.commands.enrollments import the_one_meant
from waypost.client import ApiProblem, Unreachable, Waypost, installation
from waypost.client.transport import Transport
from waypost.doctor import installation as doctor
from waypost.wiring import Parts


@pytest.fixture
def waypost(client: TestClient, keys: dict[str, str]) -> Iterator[Waypost]:
    """The client, connected to the app itself."""
    with Waypost("http://testserver", keys["admin"], transport=client._transport) as made:
        yield made


def test_a_customer_is_told_about_and_asked_for(waypost: Waypost) -> None:
    assert waypost.identify("17", {"email": "ann@example.com", "plan": "pro"})["accepted"] == 1
    assert waypost.track("17", "Order Completed", {"total": 5})["accepted"] == 1
    assert waypost.batch([{"type": "track", "event": "x"}])["rejected"][0]["path"] == "userId"
    assert [one["reason"] for one in waypost.rejections()] == ["userId or anonymousId is required"]
    shown = waypost.customer("ann@example.com")
    assert shown["customer"]["events"]["Order Completed"]["sum"] == 5
    assert [one["what"] for one in waypost.timeline("17")] == ["Order Completed", "Identify"]
    assert waypost.put_customer("17", {"plan": None})["attributes"] == {"email": "ann@example.com"}
    assert waypost.consent("17", "news", True)[0]["granted"]
    assert waypost.export("17")["customer"]["external_id"] == "17"


def test_an_id_is_one_id_whatever_stands_in_it(waypost: Waypost) -> None:
    waypost.put_customer("a b|c?d#e&f", {"plan": "x"})
    assert waypost.customer("a b|c?d#e&f")["customer"]["external_id"] == "a b|c?d#e&f"


def test_a_list_reads_on_page_by_page(waypost: Waypost) -> None:
    for number in range(5):
        waypost.put_customer(f"c{number}", {})
    assert [one["external_id"] for one in waypost.customers(limit=2)] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_journey_from_draft_to_archive(waypost: Waypost) -> None:
    text = "journey: w\nenter: [{on: Signed Up}]\nstart: n\nstages: {n: {steps: [{send: mail_a}]}}"
    assert waypost.put_journey("w", text)["journey"]["key"] == "w"
    assert waypost.publish("w")["number"] == 1
    waypost.put_customer("17", {})
    started = waypost.enroll("w", "17", {"voucher": "X"})
    assert (started["journey"], started["status"]) == ("w", "live")
    assert [one["id"] for one in waypost.enrollments(journey="w")] == [started["id"]]
    assert waypost.why("17", journey="w")["entered"]
    assert waypost.change_journey("w", "pause")["paused_at"]
    assert waypost.journey_report("w")["entered"] == 1
    assert waypost.reconciliation()["balanced"]
    assert waypost.lifecycle("w")["stages"] == {"n": 1}
    assert waypost.change_journey("w", "archive", {"in_flight": "finish"})["archived_at"]


def test_a_problem_is_an_exception_with_its_code_and_path(waypost: Waypost) -> None:
    with pytest.raises(ApiProblem, match="there is no customer") as missing:
        waypost.customer("nobody")
    assert (missing.value.status, missing.value.code) == (404, "not-found")
    with pytest.raises(ApiProblem) as wrong:
        waypost.put_topic("news", cap={"max": 0, "per": "1 day"})
    assert (wrong.value.code, wrong.value.path) == ("invalid-input", "cap.max")


def test_mail_settings_keys_and_operations(waypost: Waypost, tmp_path: Path) -> None:
    assert waypost.put_template("hi", "Hi", "<p>{{ customer.first_name }}</p>")["version"] == 1
    assert waypost.preview("hi", attributes={"first_name": "Ann"})["subject"] == "Hi"
    assert "hi" in [one["key"] for one in waypost.templates()]
    assert waypost.suppress("ann@example.com")["reason"] == "manual"
    waypost.unsuppress("ann@example.com")
    assert waypost.put_settings({**waypost.settings(), "timezone": "Europe/Berlin"})["timezone"] == "Europe/Berlin"
    assert waypost.put_segment("pro", "customer.plan == 'pro'")["key"] == "pro"
    assert list(waypost.members("pro")) == []
    key = waypost.make_key("shop", ["ingest"])
    assert waypost.revoke_key(key["id"])["revoked_at"]
    assert "revoked" in [one["action"] for one in waypost.audit(kind="key")]
    (tmp_path / "people.csv").write_text("userId\n1\n")
    operation = waypost.import_file(tmp_path / "people.csv", "customers")
    assert (waypost.operation(operation["id"])["status"], operation["total"]) == ("queued", 1)
    assert waypost.cancel(operation["id"])["status"] == "queued"


def answering(*statuses: int, **headers: str) -> tuple[Transport, list[httpx.Request], list[float]]:
    """A transport whose server gives these answers, what it got, and how long was waited between."""
    got, slept, left = list[httpx.Request](), list[float](), list(statuses)

    def answer(request: httpx.Request) -> httpx.Response:
        got.append(request)
        status = left.pop(0)
        if status == 0:
            raise httpx.ReadError("cut off")
        return httpx.Response(status, json={"detail": "no"}, headers=headers)

    return Transport("http://x", "wp_x", 1, httpx.MockTransport(answer), slept.append), got, slept


def test_what_was_lost_is_asked_again_under_the_same_key() -> None:
    transport, got, _ = answering(0, 0, 200)
    transport.call("POST", "/v1/keys", json={})
    keys = {one.headers["idempotency-key"] for one in got}
    assert (len(got), len(keys)) == (3, 1)


def test_a_busy_api_is_waited_for_as_it_says() -> None:
    transport, got, slept = answering(429, 503, 200, **{"Retry-After": "7"})
    transport.call("GET", "/v1/keys")
    assert (len(got), slept) == (3, [7.0, 7.0])


def test_whoever_asks_once_hears_at_once_that_a_part_is_away(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor waited for eighty seconds where the database was gone: at each check, as long as the API asked for."""
    transport, got, slept = answering(503, **{"Retry-After": "5"})
    asking = installation.asking_once(parts.settings)
    monkeypatch.setattr(transport, "_attempts", asking._transport._attempts)
    with pytest.raises(ApiProblem):
        transport.call("GET", "/v1/channels")
    assert (len(got), slept) == (1, [])
    assert doctor.client is installation.asking_once


@pytest.mark.parametrize(("statuses", "error"), [([0] * 4, Unreachable), ([503] * 4, ApiProblem), ([404], ApiProblem)])
def test_it_gives_up_at_last(statuses: list[int], error: type[Exception]) -> None:
    transport, got, _ = answering(*statuses)
    with pytest.raises(error):
        transport.call("GET", "/v1/keys")
    assert len(got) == len(statuses)


def test_nothing_at_the_address_is_a_sentence() -> None:
    with Waypost("http://127.0.0.1:1") as waypost, pytest.raises(Unreachable, match="start it with `waypost up`"):
        waypost.settings()


def test_one_enrollment_is_named_by_its_customer_where_there_is_one_and_by_its_journey_where_there_are_several(
    waypost: Waypost,
) -> None:
    waypost.put_customer("17", {})
    with pytest.raises(NotFound, match="17 is under way in no journey"):
        the_one_meant(waypost, "17", None)
    ids: list[str] = []
    for key in ("one", "two"):
        text = f"journey: {key}\nenter: [{{on: Signed Up}}]\nstart: n\nstages: {{n: {{steps: [{{send: mail_a}}]}}}}"
        waypost.put_journey(key, text)
        waypost.publish(key)
        ids.append(waypost.enroll(key, "17")["id"])
        if key == "one":
            assert the_one_meant(waypost, "17", None) == ids[0]
    with pytest.raises(InvalidInput, match=rf"2 enrollments; name one by --journey or its id: .*{ids[0]} \(one, n\)"):
        the_one_meant(waypost, "17", None)
    assert the_one_meant(waypost, "17", "two") == ids[1]
    assert the_one_meant(waypost, "enr_9", None) == "enr_9"
