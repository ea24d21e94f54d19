"""The journey language as a JSON Schema, for editors; no key is needed to read it."""

from functools import cache
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from journeys.language.handbook import json_schema

router = APIRouter(tags=["journeys"])


class SchemaResponse(JSONResponse):
    """A JSON Schema."""

    media_type = "application/schema+json"


@router.get("/schemas/journey.json", summary="The language as JSON Schema", response_class=SchemaResponse)
def journey() -> JSONResponse:
    """Put `# yaml-language-server: $schema=…/schemas/journey.json` on a file's first line, and the editor completes."""
    return SchemaResponse(_schema())


@cache
def _schema() -> dict[str, Any]:
    """It is made of classes, which stay as they are."""
    return json_schema()
