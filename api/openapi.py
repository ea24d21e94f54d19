"""The OpenAPI document: FastAPI's, with our one form of error instead of its own, and what every route shares."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import errors, examples
from api.edge.idempotency import IdempotentRoute
from api.problems import KINDS

TAGS = [
    {"name": "ingestion", "description": "The Segment HTTP Tracking API, for the client libraries you have already."},
    {"name": "customers", "description": "Who they are, where they are, and why."},
    {"name": "journeys", "description": "Drafts, versions, publishing, pausing, pictures and reports."},
    {"name": "enrollments", "description": "Runs of customers through journeys."},
    {"name": "templates", "description": "Mails: stored, previewed, tested."},
    {"name": "messages", "description": "The sending ledger."},
    {"name": "broadcasts", "description": "One mail to many, once."},
    {"name": "hooks", "description": "Webhooks and notes to colleagues: what was called, and what became of it."},
    {"name": "segments", "description": "Named guards with live members."},
    {"name": "topics and consent", "description": "What customers can leave, and addresses that get nothing."},
    {"name": "operations", "description": "Long work: imports, erasures, simulations."},
    {"name": "reports", "description": "Counts, and the proof that they add up."},
    {"name": "settings", "description": "What holds for the whole installation."},
    {"name": "keys", "description": "Who may call, and who changed what."},
    {"name": "users", "description": "Who signs in to the pages, and what they may do there."},
    {"name": "providers", "description": "What mail providers report, signed by them; no key."},
    {"name": "recipients", "description": "What recipients reach from their mails; no key."},
    {"name": "operators", "description": "Alive, and ready; no key."},
]
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 characters of your choice: a repeat with the same key and body gets the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "5f0c7d1e-import-1",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
        )
        schemas = made["components"]["schemas"]
        schemas["Problem"] = errors.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for path in made["paths"].values():
            for operation in path.values():
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = errors.responses(422)[422]
        for path, item in made["paths"].items():
            for operation in item.values():
                _tell_lines(operation)
                examples.show(path, operation, schemas)
        _take_idempotency_keys(app, made["paths"])
        _may_fail(made["paths"])
        app.openapi_schema = made
    return app.openapi_schema


def _tell_lines(operation: dict[str, Any]) -> None:
    """What a stream of lines is documented by is a line of it, and no text."""
    for answer in operation["responses"].values():
        for content in answer.get("content", {}).values():
            if "$ref" in content.get("schema", {}):
                content["schema"].pop("type", None)


def _may_fail(paths: dict[str, Any]) -> None:
    """What any call with a key can be answered, beside what it documents itself."""
    for path, item in paths.items():
        for operation in item.values():
            if not path.startswith("/v1/") or "ingestion" in operation.get("tags", ()):
                continue
            codes = {"500": "unexpected", "503": "timed-out"}
            if "requestBody" in operation:
                codes["413"] = "too-large"
            for status, code in codes.items():
                shown = {"description": KINDS[code].title, "content": errors.content(code)}
                operation["responses"].setdefault(status, shown)


def _take_idempotency_keys(app: FastAPI, paths: dict[str, Any]) -> None:
    """The header, and the conflict that it may lead to, on each POST that takes one."""
    taking = {route.path for route in app.state.routes if isinstance(route, IdempotentRoute)} | {"/v1/imports"}
    conflict = {"description": KINDS["idempotency-conflict"].title, "content": errors.content("idempotency-conflict")}
    for path in taking & paths.keys():
        operation = paths[path].get("post")
        if operation is not None:
            operation.setdefault("parameters", []).append(_IDEMPOTENCY)
            operation["responses"].setdefault("409", conflict)
