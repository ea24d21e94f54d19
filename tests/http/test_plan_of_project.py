"""The plans of a project's journeys for a pull request: what is published, new, the same, and what is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.testclient import TestClient

from waypost.cli.commands import changes
from waypost.cli.tables.plan import markdown
from waypost.client import Waypost
from waypost.errors import ApiProblem
from waypost.project import plans

TOUR = """journey: tour
enter: [{on: Signed Up}]
defaults: {topic: general}
start: trial
stages: {trial: {steps: [{send: mail_a}, {wait: 3 days}, {send: mail_b}], final: true}}
"""
MAIL = "{% block subject %}Hello{% endblock %}<p>x</p>"
ASKED = {"in_flight": "move"}


@pytest.fixture
def waypost(client: TestClient, keys: dict[str, str]) -> Iterator[Waypost]:
    with Waypost("http://testserver", keys["admin"], transport=client._transport) as made:
        made.put_journey("tour", TOUR)
        made.publish("tour")
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    (made / "journeys").mkdir(parents=True)
    (made / "templates").mkdir()
    (made / "journeys" / "tour.yaml").write_text(TOUR)
    return made


def plan(key: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What a plan tells, without a worker."""
    assert asked["in_flight"] == "move"
    return {"journey": key, "live": 7, "kinds": {"mails_at_once": 7}, "due_within_an_hour": 0,
            "changes": [{"kind": "mails_at_once", "count": 7, "from": {"stage": "trial", "step": "trial/wait:3 days"},
                         "to": {"stage": "trial", "step": None}}],
            "warnings": ["7 customers at 'wait 3 days' in stage 'trial' would be mailed <b>"],
            "impact": {"days": 30, "mails": {"mail_b": {"before": 7, "after": 0, "within": 2}}, "stages": {}}}  # fmt: skip


def told(waypost: Waypost, folder: Path) -> list[dict[str, Any]]:
    return list(plans.of_folder(waypost, folder, ASKED, plan))


def test_what_is_live_already_is_not_planned_whatever_the_draft_is(waypost: Waypost, folder: Path) -> None:
    assert told(waypost, folder) == [{"journey": "tour", "state": "same"}]
    changed = TOUR.replace("3 days", "5 days")
    (folder / "journeys" / "tour.yaml").write_text(changed)
    waypost.put_journey("tour", changed)
    assert [one["state"] for one in told(waypost, folder)] == ["planned"], "a draft that is stored is not live"


def test_a_new_journey_has_nobody_under_way(waypost: Waypost, folder: Path) -> None:
    (folder / "journeys" / "other.yaml").write_text(TOUR.replace("journey: tour", "journey: other"))
    assert told(waypost, folder) == [{"journey": "other", "state": "new"}, {"journey": "tour", "state": "same"}]


def test_what_the_project_brings_along_is_taken_to_be_there(waypost: Waypost, folder: Path) -> None:
    (folder / "journeys" / "tour.yaml").write_text(TOUR.replace("{send: mail_b}", "{send: hello}"))
    (one,) = list(plans.of_folder(waypost, folder, ASKED, asked_of(waypost)))
    assert (one["state"], "hello" in one["error"]) == ("failed", True)
    (folder / "templates" / "hello.html").write_text(MAIL)
    (one,) = list(plans.of_folder(waypost, folder, ASKED, asked_of(waypost)))
    assert (one["state"], one["status"]) == ("planned", "queued")


def asked_of(waypost: Waypost) -> plans.PlanOne:
    """The operation that the API was asked for, which no worker carries out here."""
    return lambda key, asked: {**waypost.plan(key, asked)}


def test_one_that_cannot_be_planned_stops_no_other(waypost: Waypost, folder: Path) -> None:
    waypost.put_journey("more", TOUR.replace("journey: tour", "journey: more"))
    waypost.publish("more")
    for key, template in (("more", "nowhere"), ("tour", "mail_c")):
        (folder / "journeys" / f"{key}.yaml").write_text(
            TOUR.replace("journey: tour", f"journey: {key}").replace("{send: mail_b}", f"{{send: {template}}}")
        )
    found = list(plans.of_folder(waypost, folder, ASKED, asked_of(waypost)))
    assert [(one["journey"], one["state"]) for one in found] == [("more", "failed"), ("tour", "planned")]
    assert plans.failed(found) == ["more"]


def test_it_is_markdown_for_a_pull_request(waypost: Waypost, folder: Path) -> None:
    (folder / "journeys" / "tour.yaml").write_text(TOUR.replace("3 days", "5 days"))
    assert markdown(told(waypost, folder)).splitlines() == [
        "## What this does to customers who are under way",
        "",
        "### `tour`: 7 customers under way",
        "",
        "| what | from | to | customers |",
        "| --- | --- | --- | ---: |",
        "| mails_at_once | `trial/wait:3 days` | `trial (rests)` | 7 |",
        "",
        "⚠️ 7 customers at 'wait 3 days' in stage 'trial' would be mailed &lt;b>",
        "",
        "In 30 days: mails mail_b 7 → 0 ± 2",
    ]
    assert markdown([{"journey": "tour", "state": "same"}]).endswith("No journey changes.")


@pytest.mark.parametrize(
    ("state", "status"),
    [("same", None), ("new", None), ("calm", None), ("dangerous", 1), ("failed", 2)],
)
def test_the_exit_status_says_whether_it_is_dangerous(
    waypost: Waypost, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    state: str, status: int | None,
) -> None:  # fmt: skip
    one = {"journey": "tour", "state": state} | ({"error": "no"} if state == "failed" else {})
    if state in ("calm", "dangerous"):
        one = {**plan("tour", ASKED), "state": "planned"}
        one["kinds"] = {"mails_at_once" if state == "dangerous" else "stays": 7}
    monkeypatch.setattr(plans, "of_folder", lambda *_: iter([one]))
    if status is None:
        changes._plan_folder(waypost, folder, ASKED, True)
    else:
        with pytest.raises(typer.Exit) as ended:
            changes._plan_folder(waypost, folder, ASKED, True)
        assert ended.value.exit_code == status
    assert '"journey": "tour"' in capsys.readouterr().out


def test_whoever_publishes_what_has_drifted_is_shown_the_counts_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    drifted = {"type": "urn:waypost:problem:plan-drifted", "kinds": ["mails_at_once"], "plan": plan("tour", ASKED)}
    with pytest.raises(ApiProblem), changes._the_counts_of_now():
        raise ApiProblem(409, drifted)
    told = " ".join(capsys.readouterr().err.split())
    assert "7 customers are under way now" in told
    assert "mails_at_once trial/wait:3 days trial (rests) 7" in told
    assert "! 7 customers at 'wait 3 days' in stage 'trial' would be mailed <b>" in told
