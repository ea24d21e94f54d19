"""The app: routes, errors, documentation."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import errors
from api.deps import Backend
from api.pages import desk, recipients
from api.printable import Printable
from api.routes import (
    customers,
    enrollments,
    health,
    ingestion,
    journeys,
    keys,
    messages,
    operations,
    reports,
    schema,
    segments,
)

DESCRIPTION = "A self-hosted engine for the customer lifecycle. Send events, publish journeys, ask where anybody is."
ROUTERS = (
    ingestion,
    customers,
    journeys,
    enrollments,
    messages,
    segments,
    operations,
    reports,
    keys,
    schema,
    health,
    recipients,
    desk,
)


def create_app(backend: Backend, version: str) -> FastAPI:
    """The whole API on a backend."""
    app = FastAPI(title="Waypost", version=version, description=DESCRIPTION, docs_url="/docs", redoc_url=None)
    app.state.backend = backend
    app.add_middleware(Printable)
    for module in ROUTERS:
        app.include_router(module.router)
    errors.install(app)
    app.openapi = lambda: _openapi(app)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with our one form of error instead of its own."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        schemas["Problem"] = errors.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path in document["paths"].values():
            for operation in path.values():
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = {"description": "Invalid input", "content": content}
        app.openapi_schema = document
    return app.openapi_schema
