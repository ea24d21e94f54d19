"""An inbox that several customers have, as the API shows it: all of them, and what to ask about each."""

import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from waypost.cli.tables import customer_status

JOURNEY = (
    "journey: club\nenter: [{on: Signed Up}]\nlifecycle: true\nstart: new\nstages: {new: {steps: [{wait: 2 days}]}}"
)
ADDRESS = "Same.Person@EXAMPLE.com"


def says(client: TestClient, call: str, **body: Any) -> None:
    assert client.post(f"/v1/{call}", json=body).json()["accepted"] == 1


@pytest.fixture
def twins(client: TestClient) -> list[str]:
    """Two customers with one address, and somebody beside them; the internal ids of the two."""
    client.put("/v1/journeys/club", content=JOURNEY)
    client.post("/v1/journeys/club/publish")
    says(client, "identify", userId="dup1", traits={"email": "same.person@example.com"})
    says(client, "identify", userId="dup2", traits={"email": ADDRESS})
    says(client, "identify", userId="other", traits={"email": "same@example.com"})
    says(client, "track", userId="dup2", event="Signed Up")
    return [client.get(f"/v1/customers/{one}").json()["customer"]["id"] for one in ("dup1", "dup2")]


def test_asked_for_by_the_address_all_of_its_profiles_are_shown(client: TestClient, twins: list[str]) -> None:
    shown = client.get(f"/v1/customers/{ADDRESS}").json()
    assert [(one["id"], one["external_id"], one["lifecycle_stage"]) for one in shown["profiles"]] == [
        (twins[0], "dup1", None),
        (twins[1], "dup2", "new"),
    ]
    assert (shown["customer"]["external_id"], shown["lifecycle_stage"]) == ("dup1", None)


def test_asked_for_by_an_id_one_is_shown_as_ever(client: TestClient, twins: list[str]) -> None:
    for name in ("dup2", twins[1]):
        shown = client.get(f"/v1/customers/{name}").json()
        assert [one["external_id"] for one in shown["profiles"]] == ["dup2"]
        assert (shown["customer"]["external_id"], shown["lifecycle_stage"]) == ("dup2", "new")
        assert [one["journey"] for one in shown["enrollments"]] == ["club"]


@pytest.mark.usefixtures("twins")
def test_why_answers_about_each_profile_of_the_address(client: TestClient) -> None:
    told = client.get(f"/v1/customers/{ADDRESS}/why", params={"journey": "club"}).json()
    first, second = told["profiles"]
    assert (first["external_id"], first["answer"]) == ("dup1", told["answer"])
    assert first["answer"].startswith("never entered: Signed Up never came")
    assert second["external_id"] == "dup2"
    assert "by event Signed Up; it rests in new" in second["answer"], "no worker runs here"
    alone = client.get("/v1/customers/dup2/why", params={"journey": "club"}).json()
    assert [one["answer"] for one in alone["profiles"]] == [alone["answer"]] == [second["answer"]]


def test_a_terminal_lists_them_with_what_to_ask(client: TestClient, twins: list[str]) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=200)
    customer_status.print_profiles(console, ADDRESS, client.get(f"/v1/customers/{ADDRESS}").json()["profiles"])
    said = shown.getvalue()
    assert f"2 customers have the address {ADDRESS}. Ask about one of them:" in said
    assert all(f"waypost status {one}" in said for one in twins)
