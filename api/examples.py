"""An example of each good answer of the OpenAPI document, made of the examples that its fields have.

So an answer and its example cannot disagree: whoever adds a field says what it looks like, and every answer shows it.
"""

from collections.abc import Mapping
from typing import Any

from api.edge import ingestion_paths

AT = "2026-03-02T09:00:00Z"
"""The instant of every example that says none."""

DEEPEST = 12
"""Levels of a schema that are followed: one that holds itself ends there."""

TEXTS: Mapping[str, str] = {
    "text/html": "<!doctype html><title>Waypost</title>",
    "text/csv": "line,reason\r\n17,timestamp: must be an ISO 8601 instant\r\n",
    "application/x-ndjson": '{"enrollment": "enr_06h0ay4t1dthcgt67nd2berw", "version": 1, "kind": "stays"}\n',
    "text/plain": 'waypost_messages{lane="journey",status="planned"} 12.0\n',
    "text/event-stream": 'event: progress\ndata: {"id": "op_06h0ay4t1dthcgt67nd2berw", "done": 500}\n\n',
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240"></svg>',
    "image/gif": "GIF89a",
}
"""What is no JSON."""

TAKEN = {"success": True, "accepted": 1, "repeated": 0, "rejected": []}

GIVEN: Mapping[str, Any] = {
    **dict.fromkeys(ingestion_paths.PATHS, TAKEN),
    "/v1/customers/{id}/export": {"customer": {"external_id": "17", "email": "ann@example.com"}, "event": []},
    "/v1/journeys/{key}/plans/{id}.csv": "enrollment,version,kind,stage,step,to_stage,to_step,detail\r\n"
    "enr_06h0ay4t1dthcgt67nd2berw,1,retimed,onboarding,onboarding/wait:3 days,onboarding,onboarding/wait:5 days,{}\r\n",
    "/schemas/journey.json": {"$id": "urn:waypost:schema:journey", "title": "A Waypost journey"},
}
"""Answers whose shape no schema tells."""

PLAIN: Mapping[str, Any] = {
    "string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None, "date-time": AT, "date": AT[:10],
}  # fmt: skip
"""What a value looks like of which only type or format is told."""


def show(path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give each content of each 2xx of an operation an example, where it has none."""
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            continue
        for kind, content in answer.get("content", {}).items():
            if "example" not in content and "examples" not in content:
                schema = content.get("schema", {})
                text = TEXTS.get(kind) if schema.get("type", "string") == "string" and "$ref" not in schema else None
                content["example"] = GIVEN.get(path) or text or of(schema, schemas)


def of(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that the schema allows; `schemas` are those that it may refer to by name."""
    if "$ref" in schema:
        return of(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth + 1)
    for name in ("example", "const", "default"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if depth > DEEPEST:
        return None
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return of(schema[name][0], schemas, depth + 1)
    return _by_type(schema, schemas, depth)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "object":
            return {name: of(part, schemas, depth + 1) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [of(schema.get("items", {}), schemas, depth + 1)]
        case kind:
            return PLAIN.get(schema.get("format", ""), PLAIN.get(str(kind)))
