"""A journey with seven customers in it, the plan of another version, and the work of an operation."""

import asyncio
from typing import Any

from fastapi.testclient import TestClient
from temporalio.testing import ActivityEnvironment

from waypost.wiring import Parts

JOURNEY = """journey: tour
enter: [{on: Signed Up}]
defaults: {topic: general}
start: trial
stages:
  trial:
    steps: [{send: mail_a}, {wait: 3 days}, {send: mail_b}]
    transitions: [{on: Paid, to: paying}]
  paying: {steps: [{send: mail_c}]}
"""
LONGER = JOURNEY.replace("3 days", "5 days")
CUSTOMERS = 7


def put(client: TestClient, text: str) -> None:
    """Another draft."""
    assert client.put("/v1/journeys/tour", content=text).status_code == 200


def done(client: TestClient, parts: Parts, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation, worked off."""
    assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, operation["id"])) == "done"
    return client.get(f"/v1/operations/{operation['id']}").json()
