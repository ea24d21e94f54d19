"""The whole API against its own OpenAPI document, by Schemathesis: no 500, and no answer that the document does not know."""

import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from docs import models
from store.session import Database
from tests.conftest import database_url
from waypost.wiring import Parts

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
READY = "/readyz"
"""Says 503 where a part is missing, as Temporal is here; the document names that answer."""

EXAMPLES = int(os.environ.get("WAYPOST_CONTRACT", "12"))
"""How many requests per call; `WAYPOST_CONTRACT=500` looks longer."""


@pytest.fixture
def parts(parts: Parts, request: pytest.FixtureRequest, tmp_path: Path) -> Parts:
    """On PostgreSQL, which is the stricter of the two; all other tests of this room run on SQLite."""
    parts.__dict__["database"] = Database(database_url("postgresql", request, tmp_path))
    return parts


DOCUMENT = (Path(models.__file__).parent / "api.md").read_text()
"""Names every call; that it is what the API has is for `make check` to see."""


@pytest.fixture(scope="session")
def openapi() -> Any:
    """The document, which takes a second to make."""
    return models.openapi()


@pytest.fixture(scope="session")
def schema(openapi: Any) -> Any:
    """Its calls, with what their parts refer to found once."""
    return schemathesis.openapi.from_dict(openapi)


@pytest.fixture
def document(client: Any, schema: Any) -> Any:
    """The API, with a journey, a customer and a segment in it, so that some calls find something."""
    text = "journey: welcome\nlifecycle: true\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{send: mail_a}]}}"
    client.put("/v1/journeys/welcome", content=text)
    client.post("/v1/journeys/welcome/publish")
    client.put("/v1/segments/loyal", json={"guard": "customer.plan == 'pro'"})
    client.put("/v1/customers/17", json={"attributes": {"email": "ann@example.com", "plan": "pro"}})
    client.post("/v1/track", json={"userId": "17", "event": "Signed Up"})
    schema.app = client.app
    return schema


CALLS = [(path, method.lower()) for method, path in re.findall(r"^\| `([A-Z]+) (/\S*)` \|", DOCUMENT, re.MULTILINE)]


def test_the_calls_of_the_documentation_are_those_of_the_api(openapi: Any) -> None:
    assert sorted(CALLS) == sorted((path, method) for path, item in openapi["paths"].items() for method in item)


# Streams last as long as somebody watches, so they have a test of their own.
@pytest.mark.parametrize(("path", "method"), [call for call in CALLS if not call[0].endswith("/watch")])
def test_every_answer_is_one_that_the_document_names(
    document: Any, keys: dict[str, str], path: str, method: str
) -> None:
    headers = {"Authorization": f"Bearer {keys['admin']}"}

    @given(case=document[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
    )
    def holds(case: Any) -> None:
        checks = [one for one in CHECKS if one is not not_a_server_error or path != READY]
        case.call_and_validate(headers=headers, checks=checks)

    holds()


def test_every_good_answer_of_the_document_has_an_example_of_its_shape(openapi: Any) -> None:
    """What is JSON fits the schema that it stands beside."""
    wrong: list[str] = []
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items() if status.startswith("2") else ():
                    named = f"{method} {path} {status} {kind}"
                    if content.get("example") in (None, {}, []):
                        wrong.append(f"{named} has no example")
                    elif "json" in kind and content.get("schema"):
                        schema = {**content["schema"], "components": openapi["components"]}
                        errors = jsonschema_rs.validator_for(schema).iter_errors(content["example"])
                        wrong += [f"{named}: {error.message}" for error in errors]
    assert wrong == []
