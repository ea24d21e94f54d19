"""The app: routes, errors, documentation."""

from fastapi import FastAPI

from api import errors, openapi
from api.deps import Backend
from api.edge import Edge
from api.metrics import Metrics
from api.pages import confirming, desk, links, preferences, recipients
from api.routes import (
    audit,
    broadcasts,
    channels,
    customers,
    enrollments,
    health,
    imports,
    ingestion,
    journeys,
    keys,
    messages,
    operations,
    people,
    providers,
    reports,
    schema,
    segments,
    settings,
    suppressions,
    templates,
    topics,
)

DESCRIPTION = "A self-hosted engine for the customer lifecycle. Send events, publish journeys, ask where anybody is."
ROUTERS = (
    ingestion,
    customers,
    people,
    journeys,
    enrollments,
    templates,
    broadcasts,
    messages,
    segments,
    topics,
    suppressions,
    imports,
    operations,
    reports,
    settings,
    channels,
    keys,
    audit,
    schema,
    health,
    providers,
    recipients,
    preferences,
    confirming,
    links,
    desk,
)


def create_app(backend: Backend, version: str) -> FastAPI:
    """The whole API on a backend."""
    app = FastAPI(title="Waypost", version=version, description=DESCRIPTION, docs_url="/docs", redoc_url=None)
    app.state.backend = backend
    app.state.metrics = Metrics()
    app.state.metrics.show_depths(backend)
    for module in ROUTERS:
        app.include_router(module.router)
    errors.install(app)
    app.add_middleware(Edge, metrics=app.state.metrics)
    app.openapi = lambda: openapi.document(app)
    return app
