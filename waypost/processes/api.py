"""The API process."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.deps.backend import Backend
from api.deps.key_guesses import KeyGuesses
from api.deps.openid_provider import OpenIdClient, OpenIdProvider
from api.deps.rate_limits import RateLimits
from api.deps.sign_in_rates import SignInRates
from api.deps.token_rates import TokenRates
from services.access.keys.known_keys import KnownKeys
from store.availability import has_room
from waypost import __version__
from waypost.processes import garbage_collection
from waypost.processes.connections import BoundedConnection
from waypost.settings import Settings
from waypost.telemetry.tracing import Traced, no_span
from waypost.wiring import Parts
from workflows.gateway import Gateway


class LazyGateway:
    """Connects to Temporal when first wanted: ingestion needs none, and must work while Temporal is away."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = asyncio.Lock()
        self._gateway: Gateway | None = None

    async def __call__(self) -> Gateway:
        """The connection; raise TemporalUnavailable as long as there is none."""
        async with self._turn:
            if self._gateway is None:
                self._gateway = await self._parts.gateway()
            return self._gateway


def build(parts: Parts) -> FastAPI:
    """The app, wired."""
    settings = parts.settings
    backend = Backend(
        database=parts.database,
        gateway=LazyGateway(parts),
        links=parts.links,
        templates=parts.templates,
        template_files=parts.template_files,
        template_file=parts.template_file,
        translations=parts.translations,
        event_readers=lambda: parts.event_readers,
        renderer=parts.renderer,
        composer=parts.composer,
        clock=parts.clock,
        brand=settings.brand,
        desk_url=settings.desk_url,
        outbox=not settings.sends_for_real,
        hosts=settings.page_hosts,
        open_pages=frozenset(settings.open_pages),
        trusted_proxies=settings.trusted_proxies,
        background=ThreadPoolExecutor(1, thread_name_prefix="background"),
        beside_store=parts.beside_store,
        approval=settings.approval,
        has_room=lambda: has_room(settings.home),
        keys=KnownKeys(parts.database),
        rates=RateLimits(settings.rate, lambda: parts.clock().timestamp()),
        guesses=KeyGuesses(),
        sign_ins=SignInRates(),
        openid=_provider(settings),
        token_rates=TokenRates(),
    )
    return create_app(backend, __version__)


def _provider(settings: Settings) -> OpenIdProvider | None:
    """The provider by which colleagues sign in, where the settings name one."""
    if settings.openid_issuer is None or settings.openid_client_id is None:
        return None
    client = OpenIdClient(
        issuer=settings.openid_issuer,
        client_id=settings.openid_client_id,
        client_secret=settings.openid_client_secret,
        scopes=settings.openid_scopes,
        groups_claim=settings.openid_groups_claim,
        roles=settings.openid_roles,
        button=settings.openid_button,
    )
    return OpenIdProvider(client, settings.desk_url)


def serve(parts: Parts) -> None:
    """Serve until a signal comes."""
    settings = parts.settings
    garbage_collection.freeze_loaded()
    app = build(parts)
    uvicorn.run(
        app if parts.span is no_span else Traced(app, parts.span), http=BoundedConnection,
        host=settings.host, port=settings.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=10, proxy_headers=False, server_header=False,
    )  # fmt: skip
