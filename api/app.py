"""The app: routes, errors, documentation."""

from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from api import errors, openapi
from api.deps.backend import Backend
from api.edge.head_requests import Heads
from api.edge.heavy_work import HeavyWork
from api.edge.limits import EdgeMiddleware
from api.edge.metrics import Metrics
from api.edge.render_turns import RenderTurns
from api.pages import (
    documentation,
    double_opt_in,
    hand_overs,
    opens_and_clicks,
    outbox,
    preferences,
    start,
    surveys,
    unsubscribing,
)
from api.pages.broadcasts import counting, watching
from api.pages.broadcasts import deciding as broadcast_deciding
from api.pages.broadcasts import editing as broadcast_editor
from api.pages.customers import (
    bars,
    changing,
    consent,
    entering,
    finding,
    held_mails,
    history,
    mails,
    one_customer,
    sending_now,
)
from api.pages.customers import events as events_page
from api.pages.frame import problems, static_files
from api.pages.journeys import controls as controls_page
from api.pages.journeys import enrollments as enrollments_page
from api.pages.journeys import listing, live_counts, one_journey
from api.pages.journeys import report as report_page
from api.pages.journeys import versions as versions_page
from api.pages.operations import books, importing, progress
from api.pages.operations import dispatches as dispatches_page
from api.pages.operations import hooks as hooks_page
from api.pages.operations import listing as operations_page
from api.pages.segments import editing as segment_editing_page
from api.pages.segments import listing as segments_page
from api.pages.settings import audit_log as audit_log_page
from api.pages.settings import keys as keys_page
from api.pages.settings import settings as settings_page
from api.pages.signing_in import account, openid, sign_in, signing_out
from api.pages.templates import editing as template_editor
from api.pages.templates import listing as template_listing
from api.pages.templates import one_template, testing
from api.pages.topics import suppressions as suppressions_page
from api.pages.topics import topics as topics_page
from api.pages.users import users as users_page
from api.pages.writing import approvals as approvals_page
from api.pages.writing import beginning, editor, planning, publishing, trials
from api.routes import (
    approvals,
    audit,
    broadcasts,
    channels,
    client_settings,
    consents,
    customers,
    delivery_events,
    dispatches,
    enrollments,
    exports,
    funnels,
    health,
    hooks,
    imports,
    ingestion,
    journey_changes,
    journey_reports,
    journey_schema,
    journey_versions,
    journeys,
    keys,
    lift,
    messages,
    operations,
    plans,
    reconciliation,
    report_pictures,
    reports,
    segments,
    settings,
    splits,
    suppressions,
    templates,
    timeline,
    topics,
    users,
)

DESCRIPTION = "A self-hosted engine for the customer lifecycle. Send events, publish journeys, ask where anybody is."
ROUTERS = (
    ingestion,
    client_settings,
    customers,
    timeline,
    consents,
    journey_changes,
    approvals,
    plans,
    journey_versions,
    splits,
    journey_reports,
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
    reconciliation,
    funnels,
    report_pictures,
    exports,
    settings,
    channels,
    hooks,
    dispatches,
    keys,
    lift,
    users,
    audit,
    journey_schema,
    health,
    delivery_events,
    surveys,
    hand_overs,
    unsubscribing,
    preferences,
    double_opt_in,
    opens_and_clicks,
    start,
    outbox,
    documentation,
    static_files,
    openid,
    signing_out,
    sign_in,
    account,
    users_page,
    finding,
    history,
    bars,
    consent,
    one_customer,
    held_mails,
    mails,
    events_page,
    sending_now,
    entering,
    changing,
    approvals_page,
    beginning,
    editor,
    trials,
    planning,
    publishing,
    listing,
    live_counts,
    one_journey,
    enrollments_page,
    controls_page,
    report_page,
    versions_page,
    watching,
    counting,
    broadcast_editor,
    broadcast_deciding,
    template_listing,
    one_template,
    testing,
    template_editor,
    operations_page,
    importing,
    progress,
    books,
    hooks_page,
    dispatches_page,
    segment_editing_page,
    segments_page,
    topics_page,
    suppressions_page,
    settings_page,
    keys_page,
    audit_log_page,
)


@cache
def _routes() -> list[BaseRoute]:
    """The routes of all: what each depends on is resolved at its first request, once for every app of a process."""
    every = APIRouter()
    for module in ROUTERS:
        every.include_router(module.router)
    return every.routes


def create_app(backend: Backend, version: str) -> FastAPI:
    """The whole API on a backend."""
    app = FastAPI(
        title="Waypost", version=version, description=DESCRIPTION, routes=_routes(), docs_url=None, redoc_url=None
    )
    app.state.backend = backend
    app.state.heavy_work = HeavyWork()
    app.state.render_turns = RenderTurns()
    app.state.metrics = Metrics()
    app.state.metrics.show_depths(backend)
    app.state.routes = [route for module in ROUTERS for route in module.router.routes]
    errors.install(app)
    app.add_exception_handler(HTTPException, problems.nowhere)
    app.add_middleware(Heads)
    app.add_middleware(EdgeMiddleware, metrics=app.state.metrics)
    app.openapi = lambda: openapi.document(app)
    return app
