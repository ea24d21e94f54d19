"""What raises unexpectedly for one line or customer of a file fails that one alone: told, logged, counted."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from rich.progress import Progress

from journeys.simulation import backtest
from services.customers.attributes import profiles
from services.enrollments.entering import entry
from services.feedback.answers import consents
from services.imports.files.file_form import FormRecognition
from services.ingestion import ingest
from store.tables.customers import Consent, Customer, Event
from store.tables.enrollments import Enrollment
from tests.http.worked import TOLD, Worked, breaks_for, id_of, rows, upload
from waypost.cli import import_with_progress
from waypost.wiring import Parts


@pytest.fixture
def poison_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the attribute `poison` meets a bug of ours."""
    broken = breaks_for(profiles.take_traits, lambda customer, traits, now: "poison" in traits)
    monkeypatch.setattr(profiles, "take_traits", broken)


@pytest.mark.usefixtures("poison_traits")
def test_a_line_of_customers_that_raises_fails_alone(client: TestClient, parts: Parts) -> None:
    text = "userId,poison\n" + "".join(f"u{number},{'x' if number == 41 else ''}\n" for number in range(600))
    done = Worked(client, parts, upload(client, text, kind="customers"))
    done.assert_failed_alone((43, TOLD))
    assert (done.shown["done"], done.shown["result"]) == (600, {"taken": 599, "repeated": 0})
    assert len(rows(parts, Customer)) == 599


def test_a_line_of_consents_that_raises_fails_alone(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put("/v1/customers/17", json={"attributes": {}})
    monkeypatch.setattr(consents, "_event", breaks_for(consents._event, lambda topic, *_: topic == "poison"))
    text = "userId,topic,granted\n17,news,yes\n17,poison,yes\n17,offers,no\n"
    Worked(client, parts, upload(client, text, kind="consents")).assert_failed_alone((3, TOLD))
    assert sorted(one.topic for one in rows(parts, Consent)) == ["news", "offers"]


def test_a_line_of_enrollments_that_raises_fails_alone(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        client.put(f"/v1/customers/{name}", json={"attributes": {}})
    poison = breaks_for(entry.enroll_all, lambda session, version, program, wanted, now: _named(wanted, "b"))
    monkeypatch.setattr(entry, "enroll_all", poison)
    text = "userId\na\nb\nc\n"
    done = Worked(client, parts, upload(client, text, kind="enrollments", journey="welcome"))
    done.assert_failed_alone((3, TOLD))
    assert len(rows(parts, Enrollment)) == 2


def _named(wanted: Any, name: str) -> bool:
    return any(one.customer.external_id == name for one in wanted)


def events_of(*lines: tuple[str, dict[str, Any]]) -> str:
    return "".join(
        json.dumps({"type": "identify", "userId": user, "messageId": f"m{number}", "traits": traits,
                    "timestamp": "2026-01-01"}) + "\n"
        for number, (user, traits) in enumerate(lines)
    )  # fmt: skip


@pytest.mark.usefixtures("poison_traits")
@pytest.mark.parametrize("known", [False, True])
def test_a_line_of_events_that_raises_fails_alone_whether_its_customer_is_known_or_new(
    client: TestClient, parts: Parts, known: bool
) -> None:
    if known:
        client.put("/v1/customers/a", json={"attributes": {}})
    text = events_of(("a", {"n": 1}), ("a", {"poison": 1}), ("a", {"m": 2}), ("b", {"n": 3}))
    done = Worked(client, parts, upload(client, text, kind="events", format="ndjson"))
    done.assert_failed_alone((2, TOLD))
    assert done.shown["result"] == {"customers": 2, "events": 3, "enrolled": 0, "repeated": 0}
    assert client.get("/v1/customers/a").json()["customer"]["attributes"] == {"n": 1, "m": 2}
    assert sorted(one.message_id for one in rows(parts, Event) if one.message_id in ("m0", "m1", "m2", "m3")) == [
        "m0",
        "m2",
        "m3",
    ]


def test_a_new_customer_whose_history_raises_is_told_line_by_line_and_stops_nobody_else(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = breaks_for(backtest.enrollments, lambda program, history, *_, **__: "poison" in history.attributes["id"])
    monkeypatch.setattr(backtest, "enrollments", poison)
    text = events_of(("a", {"n": 1}), ("poison", {"n": 2}), ("poison", {"n": 3}), ("z", {"n": 4}))
    done = Worked(client, parts, upload(client, text, kind="events", format="ndjson", journey="welcome"))
    done.assert_failed_alone((2, TOLD), (3, TOLD))
    assert {one.external_id for one in rows(parts, Customer)} == {"a", "z"}


def test_a_known_customer_whose_history_raises_is_not_placed_and_stops_nobody_else(
    client: TestClient, parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("a", "poison", "z"):
        client.put(f"/v1/customers/{name}", json={"attributes": {}})
    poison = breaks_for(backtest.enrollments, lambda program, history, *_, **__: history.attributes["id"] == "poison")
    monkeypatch.setattr(backtest, "enrollments", poison)
    names = ("a", "poison", "z")
    text = "".join(
        json.dumps(
            {"type": "track", "userId": name, "event": "Signed Up", "messageId": name, "timestamp": "2026-01-01"}
        )
        + "\n"
        for name in names
    )
    done = Worked(client, parts, upload(client, text, kind="events", format="ndjson", journey="welcome"))
    who = f"{id_of(parts, 'poison')} is not placed"
    done.assert_failed_alone((2, f"{who}: {TOLD}"))
    assert (done.shown["done"], done.shown["result"]["events"], done.shown["result"]["enrolled"]) == (3, 3, 2)
    assert {one.message_id for one in rows(parts, Event)} >= {*names}, "what they did is there"

    file = tmp_path / "events.ndjson"
    file.write_text(text)
    told = io.StringIO()
    monkeypatch.setattr(import_with_progress, "complaints", Console(file=told, width=200))
    again = import_with_progress.run(parts, file, FormRecognition("ndjson"), "welcome", Progress(disable=True))
    reason = f"{who}: it failed unexpectedly (ZeroDivisionError); its traceback stands above"
    assert again["errors"] == [{"line": 2, "reason": reason}]
    assert (again["repeated"], again["enrolled"]) == (3, 0)
    assert told.getvalue().count("ZeroDivisionError: a bug") == 1


@pytest.mark.parametrize("known", [False, True])
def test_waypost_import_stops_for_nobody_whose_history_raises(
    parts: Parts, welcome: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool, client: TestClient
) -> None:
    if known:
        client.put("/v1/customers/poison", json={"attributes": {}})
    real = ingest.take_traits
    monkeypatch.setattr(ingest, "take_traits", breaks_for(real, lambda who, *_: known and who.external_id == "poison"))
    history = breaks_for(backtest.enrollments, lambda program, history, *_, **__: "poison" in history.attributes["id"])
    monkeypatch.setattr(backtest, "enrollments", history)
    file = tmp_path / "events.ndjson"
    file.write_text(events_of(("a", {"n": 1}), ("poison", {"n": 2}), ("poison", {"n": 3}), ("z", {"n": 4})))
    told = io.StringIO()
    monkeypatch.setattr(import_with_progress, "complaints", Console(file=told, width=200))
    done = import_with_progress.run(parts, file, FormRecognition("ndjson"), "welcome", Progress(disable=True))
    assert [(one["line"], one["reason"]) for one in done["errors"]] == [
        (line, "it failed unexpectedly (ZeroDivisionError); its traceback stands above") for line in (2, 3)
    ]
    assert told.getvalue().count("ZeroDivisionError: a bug") == (2 if known else 1)
    assert (done["customers"], done["events"], done["error_count"]) == (2, 2, 2)
    assert {one.external_id for one in rows(parts, Customer)} == {"a", "z", *(["poison"] if known else [])}
