"""What the app is built on, and the templates it knows. The composition root makes it."""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from fastapi import Depends, Request

from api.deps.key_guesses import KeyGuesses
from api.deps.openid_provider import OpenIdProvider
from api.deps.rate_limits import RateLimits
from api.deps.sign_in_rates import SignInRates
from api.deps.token_rates import TokenRates
from mail.composing import Composer
from mail.providers.events import EventReader
from mail.rendering.render_pool import RenderPool
from mail.rendering.templates import FileTexts
from mail.signed_links import Links
from mail.translations import Translations
from services.access.keys.known_keys import KnownKeys
from services.definitions.journey_versions.validation_context import BesideStore
from services.values import Clock
from store.session import Database
from workflows.gateway import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What the app is built on; the composition root makes it."""

    database: Database
    gateway: Callable[[], Awaitable[Gateway]]
    links: Links
    templates: Callable[[], frozenset[str]]
    template_files: Callable[[], frozenset[str]]
    template_file: Callable[[str], Mapping[str | None, FileTexts]]
    translations: Translations
    event_readers: Callable[[], Mapping[str, EventReader]]
    renderer: RenderPool
    composer: Composer
    clock: Clock
    brand: str
    desk_url: str
    outbox: bool
    hosts: frozenset[str]
    open_pages: frozenset[str]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    background: Executor
    beside_store: BesideStore
    approval: bool
    has_room: Callable[[], bool]
    keys: KnownKeys
    rates: RateLimits
    guesses: KeyGuesses
    sign_ins: SignInRates
    openid: OpenIdProvider | None
    token_rates: TokenRates


def backend(request: Request) -> Backend:
    """What the app of this request is built on."""
    return request.app.state.backend


TheBackend = Annotated[Backend, Depends(backend)]
