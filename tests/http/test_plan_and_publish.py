"""A publish is foreseen, refused where what it would do has changed, and done; and there is a way back."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from typer.testing import CliRunner

from journeys.program.assignment import is_tried_on
from services.changes.planning import plan as plans
from services.changes.publication import publishing
from store.queries.definitions import plans as plan_rows
from store.tables.enrollments import Decision, Enrollment
from tests.conftest import HandClock
from tests.http.tour import CUSTOMERS, JOURNEY, LONGER, done, put
from tests.shells import Shell
from waypost.cli.app import app
from waypost.cli.commands import changes
from waypost.client import Waypost
from waypost.wiring import Parts

Planned = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BETWEEN", 0.0)


def test_a_plan_counts_everybody_and_changes_nobody(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    told = planned(in_flight="move")
    assert (told["journey"], told["from"], told["to"], told["live"]) == ("tour", 1, 2, CUSTOMERS)
    assert told["kinds"] == {"retimed": CUSTOMERS}
    (change,) = told["changes"]
    assert change.pop("examples") == [one.enrollment for one in shells[:5]]
    assert change == {
        "kind": "retimed", "count": CUSTOMERS,
        "from": {"stage": "trial", "step": "trial/wait:3 days"}, "to": {"stage": "trial", "step": "trial/wait:5 days"},
    }  # fmt: skip
    assert (told["warnings"], told["due_within_an_hour"]) == ([], 0)
    assert told["impact"] == {
        "days": 30, "sample": CUSTOMERS, "of": CUSTOMERS,
        "mails": {"mail_b": {"before": CUSTOMERS, "after": CUSTOMERS, "within": 0}},
        "stages": {"trial": {"before": CUSTOMERS, "after": CUSTOMERS, "within": 0}},
    }  # fmt: skip
    with parts.database.reading() as session:
        assert {one.version for one in session.exec(select(Enrollment)).all()} == {1}


def test_everybody_goes_over_as_planned(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, clock: HandClock
) -> None:
    put(client, LONGER)
    published = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": planned()["token"]})
    assert (published.status_code, published.json()["number"], published.json()["created"]) == (200, 2, True)
    assert done(client, parts, published.json()["operation"])["result"] == {
        "moved": {"retimed": CUSTOMERS}, "kept": {},
    }  # fmt: skip
    now = clock.forward(days=4)
    for one in shells:
        one.wake(now)
        assert one.state.position == "trial/wait:5 days"
    shown = client.get(f"/v1/enrollments/{shells[0].enrollment}").json()
    assert (shown["version"], shown["step"]) == (2, "trial/wait:5 days")


def test_without_a_plan_nobody_is_moved(client: TestClient, parts: Parts, shells: list[Shell]) -> None:
    put(client, LONGER)
    refused = client.post("/v1/journeys/tour/publish", json={"in_flight": "move"})
    assert (refused.status_code, refused.json()["path"]) == (422, "token")
    published = client.post("/v1/journeys/tour/publish").json()
    assert (published["number"], published["operation"]) == (2, None)
    with parts.database.reading() as session:
        assert {one.version for one in session.exec(select(Enrollment)).all()} == {1}


def test_a_token_stands_for_what_its_plan_tells_or_for_nothing_of_it(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    """Whoever has looked at a move and gives its token means that move."""
    put(client, LONGER)
    pins = planned(in_flight="pin")["token"]
    refused = client.post("/v1/journeys/tour/publish", json={"token": pins, "in_flight": "move"})
    assert (refused.status_code, refused.json()["path"]) == (422, "in_flight")
    moves = planned()["token"]
    published = client.post("/v1/journeys/tour/publish", json={"token": moves}).json()
    assert done(client, parts, published["operation"])["result"]["moved"] == {"retimed": CUSTOMERS}
    back = planned(version=1)["token"]
    kept = client.post("/v1/journeys/tour/rollback", json={"version": 1, "token": back, "in_flight": "pin"}).json()
    assert (kept["number"], kept["operation"]) == (3, None)
    put(client, LONGER)
    pins = planned(in_flight="pin")["token"]
    assert client.post("/v1/journeys/tour/publish", json={"token": pins}).json()["operation"] is None


def test_the_command_line_does_what_the_plan_of_its_token_tells(
    client: TestClient, keys: dict[str, str], shells: list[Shell], planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = list[str]()

    class Connected(Waypost):
        def wait(self, operation: str, *_: Any, **__: Any) -> Any:
            moves.append(operation)
            return {"result": None}

    def typed(*words: str) -> Any:
        return CliRunner().invoke(app, [*words]).exception

    monkeypatch.setattr(
        changes, "api_client", lambda: Connected("http://testserver", keys["admin"], transport=client._transport)
    )
    put(client, LONGER)
    pins = planned(in_flight="pin")["token"]
    assert "leaves everybody on their version" in str(typed("publish", "tour", "--token", pins, "--in-flight", "move"))
    assert (typed("publish", "tour", "--token", pins), moves) == (None, [])
    back = planned(version=1)["token"]
    assert (typed("rollback", "tour", "--to", "1", "--token", back), len(moves)) == (None, 1)


def test_what_is_dangerous_is_told_in_a_sentence_and_must_not_change(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, JOURNEY.replace("{wait: 3 days}, ", ""))
    told = planned()
    assert told["kinds"] == {"mails_at_once": CUSTOMERS}
    assert told["warnings"] == [
        "7 customers at 'wait 3 days' in stage 'trial' would be mailed 'mail_b' as soon as they are moved, since the wait before "
        "it is over or gone"
    ]
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    for one in shells:
        one.wake(parts.clock())
    drifted = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": told["token"]})
    assert (drifted.status_code, drifted.json()["type"]) == (409, "urn:waypost:problem:plan-drifted")
    assert drifted.json()["kinds"] == ["mails_at_once", "stays"]
    assert drifted.json()["plan"]["kinds"] == {"mails_at_once": 6, "stays": 1}
    assert client.get("/v1/journeys/tour").json()["live_version"] == 1, "nothing was published"


@pytest.mark.parametrize(
    ("what", "code"), [("forged", "unknown_token"), ("old", "old_token"), ("another draft", "other_draft")]
)
def test_a_token_that_does_not_fit_is_refused(
    client: TestClient, shells: list[Shell], planned: Planned, clock: HandClock, what: str, code: str
) -> None:
    put(client, LONGER)
    token = planned()["token"]
    if what == "forged":
        token = "op_forged"
    elif what == "old":
        clock.forward(minutes=16)
    else:
        put(client, JOURNEY.replace("3 days", "6 days"))
    refused = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": token})
    assert (refused.status_code, refused.json()["path"]) == (409, code)
    assert client.get("/v1/journeys/tour").json()["live_version"] == 1


def test_the_way_back_is_a_publish_of_the_older_version(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, clock: HandClock
) -> None:
    put(client, LONGER)
    published = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": planned()["token"]}).json()
    done(client, parts, published["operation"])
    told = planned(version=1)
    assert (told["to"], told["kinds"]) == (1, {"retimed": CUSTOMERS})
    back = client.post(
        "/v1/journeys/tour/rollback", json={"version": 1, "in_flight": "move", "token": told["token"]}
    ).json()
    assert back["number"] == 3
    done(client, parts, back["operation"])
    now = clock.forward(days=3, seconds=1)
    for one in shells:
        one.wake(now)
    with parts.database.reading() as session:
        assert {(one.version, one.step) for one in session.exec(select(Enrollment)).all()} == {(3, None)}
        moved = session.exec(select(Decision).where(Decision.what == "migrated").order_by(col(Decision.at))).all()
    first = [one.detail for one in moved if one.enrollment_id == shells[0].enrollment]
    assert [(one["from"]["version"], one["to"]["version"]) for one in first] == [(1, 2), (2, 3)]


def test_each_decision_says_by_which_version_it_was_made(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, clock: HandClock
) -> None:
    put(client, LONGER)
    published = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": planned()["token"]}).json()
    clock.forward(minutes=1)
    done(client, parts, published["operation"])
    now = clock.forward(days=5)
    for one in shells:
        one.wake(now)
    story = client.get("/v1/customers/c0/timeline").json()["items"]
    told = [(one["what"], one["version"]) for one in reversed(story) if one["kind"] == "decision"]
    first, last = told.index(("entered", 1)), told.index(("migrated", 2))
    assert {version for _, version in told[first:last]} == {1}
    assert {version for _, version in told[last:]} == {2}
    assert ("planned", 2) in told[last:], "the second mail was sent by the version that was moved to"
    (moved,) = [one for one in story if one["what"] == "migrated"]
    assert (moved["detail"]["from"]["version"], moved["detail"]["to"]["version"]) == (1, 2)
    assert moved["detail"]["kind"] == "retimed"
    why = client.get("/v1/customers/c0/why", params={"journey": "tour", "step": "mail_a"}).json()
    assert {one["version"] for one in why["decisions"]} == {1}


def test_a_share_goes_first_and_the_others_stay_where_they_are(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    with parts.database.reading() as session:
        enrollments = session.exec(select(Enrollment.id)).all()
    tried = {share: sum(is_tried_on("tour", one, share) for one in enrollments) for share in range(1, 100)}
    share = next(share for share, count in tried.items() if 0 < count < CUSTOMERS)
    assert planned(share=share)["kinds"] == {"retimed": tried[share], "pinned": CUSTOMERS - tried[share]}


def test_the_author_says_where_a_stage_went(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, JOURNEY.replace("trial", "onboarding"))
    lost = planned()
    assert lost["kinds"] == {"stranded": CUSTOMERS}
    assert "moves: {stages: {trial: …}}" in lost["warnings"][0]
    assert planned(moves={"stages": {"trial": "onboarding"}})["kinds"] == {"moves": CUSTOMERS}
    wrong = client.post("/v1/journeys/tour/plan", json={"moves": {"stages": {"trail": "onboarding"}}})
    assert (wrong.status_code, wrong.json()["path"]) == (422, "moves.stages.trail")
    assert wrong.json()["detail"] == "the old version has no stage 'trail'; expected 'trial', the nearest name"


def test_who_is_refused_keeps_place_and_version_and_has_the_reason_on_record(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, JOURNEY.replace("trial", "onboarding"))
    published = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": planned()["token"]}).json()
    assert done(client, parts, published["operation"])["result"] == {"moved": {}, "kept": {"stranded": CUSTOMERS}}
    with parts.database.reading() as session:
        assert {one.version for one in session.exec(select(Enrollment)).all()} == {1}
        told = session.exec(select(Decision).where(Decision.what == "not_migrated")).all()
    assert [one.detail["kind"] for one in told] == ["stranded"] * CUSTOMERS


def test_the_whole_list_is_downloaded(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_rows, "PAGE", 3)
    monkeypatch.setattr(plans, "PAGE", 2)
    put(client, LONGER)
    token = planned(share=50)["token"]
    lines = [json.loads(one) for one in client.get(f"/v1/journeys/tour/plans/{token}.ndjson").text.splitlines()]
    assert [one["enrollment"] for one in lines] == [one.enrollment for one in shells]
    kind = lines[0]["kind"]  # whose share it is goes by the ids
    table = list(csv.DictReader(io.StringIO(client.get(f"/v1/journeys/tour/plans/{token}.csv?kind={kind}").text)))
    assert {one["kind"] for one in table} == {kind}
    assert len(table) == sum(one["kind"] == kind for one in lines)
    assert client.get(f"/v1/journeys/other/plans/{token}.csv").status_code == 404


def test_a_plan_is_a_picture(client: TestClient, parts: Parts, shells: list[Shell], planned: Planned) -> None:
    put(client, LONGER)
    waits = client.post("/v1/journeys/tour/plan").json()["id"]
    assert client.get(f"/v1/journeys/tour/plans/{waits}.svg").status_code == 409
    drawn = client.get(f"/v1/journeys/tour/plans/{planned()['token']}.svg")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert "7 retimed →" in drawn.text
    assert "version 2, planned" in drawn.text


def test_a_journey_that_was_never_published_has_no_plan(client: TestClient) -> None:
    put(client, JOURNEY)
    refused = client.post("/v1/journeys/tour/plan")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "the journey 'tour' is not published, so nobody is under way in it",
    )  # fmt: skip


def test_a_mail_on_its_way_is_waited_for_and_then_its_enrollment_is_moved(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, clock: HandClock
) -> None:
    assert timedelta(publishing.BETWEEN) == timedelta(0)
    put(client, LONGER)
    client.post("/v1/track", json={"userId": "new", "event": "Signed Up"})  # its workflow has not begun
    told = planned()
    assert told["kinds"] == {"retimed": CUSTOMERS, "unsettled": 1}
    published = client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": told["token"]}).json()
    assert done(client, parts, published["operation"])["result"] == {
        "moved": {"retimed": CUSTOMERS}, "kept": {"unsettled": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("stages:\n  trail: paying\n", "moves.stages.trail", "line 2: the old version has no stage 'trail'"),
        ("moves:\n  steps:\n    trial/send:mail_a: trial/wait:5 days\n", "moves.steps.trial/send:mail_a",
         "line 3: 'trial/send:mail_a' is a send, 'trial/wait:5 days' a wait"),
        ("stages:\n  trial: trial\n  trial: paying\n", "(document)", 'line 3, (document): found duplicate key "trial"'),
        ("stages: [trial]", "moves.stages", "line 1: each is written as OLD: NEW"),
        ("steps:\n  a: 3\n", "moves.steps.a", "line 2: the new name is a text"),
        ("stage: {trial: paying}", "moves", "line 1: moves are `stages:` and `steps:`"),
    ],
)  # fmt: skip
def test_moves_that_are_wrong_are_told_with_their_line(
    client: TestClient, shells: list[Shell], text: str, path: str, told: str
) -> None:
    put(client, LONGER)
    refused = client.post("/v1/journeys/tour/plan", json={"moves": text})
    assert (refused.status_code, refused.json()["path"]) == (422, path)
    assert told in refused.json()["detail"]


def test_a_move_that_stands_twice_in_json_is_refused_with_its_path(client: TestClient, shells: list[Shell]) -> None:
    put(client, JOURNEY.replace("trial", "onboarding"))
    body = '{"moves": {"stages": {"trial": "onboarding", "trial": "paying"}}}'
    refused = client.post("/v1/journeys/tour/plan", content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["path"]) == (422, "moves.stages.trial")
    assert refused.json()["detail"] == "'trial' stands twice"


def test_moves_of_a_file_are_those_of_an_object(client: TestClient, shells: list[Shell], planned: Planned) -> None:
    put(client, JOURNEY.replace("trial", "onboarding"))
    assert planned(moves="{stages: {trial: onboarding}}")["kinds"] == {"moves": CUSTOMERS}
