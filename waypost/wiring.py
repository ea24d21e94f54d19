"""Puts the parts together: which database, which sender, which clock."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from journeys.program.program import Program
from mail.brand import Brand
from mail.catalogues import DamagedCatalogue
from mail.composing import Composer
from mail.message import Mail, parse_sender
from mail.providers.events import EventReader
from mail.providers.sender import MailSender
from mail.rendering import templates as files
from mail.rendering.render_pool import RenderPool
from mail.rendering.templates import FileTexts
from mail.signed_links import Links
from mail.translations import Translations
from services.definitions.journey_versions import journeys
from services.definitions.journey_versions.validation_context import BesideStore
from services.enrollments import hooks
from services.installation import rates
from services.values import Clock
from store.notices import Notices
from store.queries.definitions import templates as template_rows
from store.queries.mails import outbox
from store.session import Database
from store.trace_context import OpenSpan
from waypost import providers
from waypost.errors import CannotStart
from waypost.pulses import Pulses
from waypost.settings import SENDER, Settings
from waypost.telemetry.tracing import UNTRACED, no_span, tracing
from waypost.temporal_cluster import cluster_of
from workflows import gateway
from workflows.gateway import Gateway

if TYPE_CHECKING:
    from temporalio.client import Interceptor

    from activities.delivery.call_slots import CallSlots
    from activities.delivery.lane import MailLane
    from activities.delivery.shift import LaneWork
    from activities.operations import Operations
    from activities.sweep import Sweep
    from mail.rendering.texts import TextReading
    from mail.webhooks.caller import Caller

POSTAL_ADDRESS = "Waypost, 1 Example Street, 10115 Berlin"
"""Shown where nothing but the local outbox gets mail; a real provider wants the real one."""

RENDERERS = 2
"""Processes that render mail: one more than a poison template can hold."""


def utc_now() -> datetime:
    """The only clock of the product."""
    return datetime.now(UTC)


class Parts:
    """The parts of one process, made when first wanted."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self._tracing = UNTRACED

    @cached_property
    def database(self) -> Database:
        """The database that the settings name; it is opened when it is first asked."""
        return Database(self.settings.database)

    @property
    def set_up(self) -> bool:
        """Whether this installation has a database already, with every migration."""
        from store import migrate

        there = self.settings.database_url is not None or self.settings.database_file.exists()
        return there and not migrate.pending(self.database.engine)

    @cached_property
    def renderer(self) -> RenderPool:
        """The processes that render mail."""
        return RenderPool([self.settings.template_folder], RENDERERS)

    def template_files(self) -> frozenset[str]:
        """The keys of templates that are files."""
        return files.keys([self.settings.template_folder])

    @cached_property
    def translations(self) -> Translations:
        """What our own words are in other languages, with those of the installation."""
        return Translations([self.settings.template_folder])

    def template_file(self, key: str) -> Mapping[str | None, FileTexts]:
        """The texts of a template that is a file, by language tag; None for everybody else's."""
        from mail.rendering import template_files  # it reads MJML: only who asks pays for that

        return template_files.texts_of([self.settings.template_folder], key)

    def templates(self) -> frozenset[str]:
        """The keys of every template there is: files, and those kept in the store."""
        with self.database.reading() as session:
            return self.template_files() | template_rows.keys(session)

    @property
    def beside_store(self) -> BesideStore:
        """What journeys are judged by beside what is in the store."""
        return BesideStore(
            secrets=self.settings.known_secrets, private_hooks=self.settings.hooks_private, judge_text=_judge_text
        )

    @cached_property
    def links(self) -> Links:
        """Makes and reads the signed links of mails."""
        settings = self.settings
        return Links(settings.signing_secret, settings.links_url, settings.former_secrets, settings.desk_url)

    @cached_property
    def composer(self) -> Composer:
        """Makes a whole mail of a request."""
        return Composer(self.renderer, self.links, self.brand, self.translations)

    @cached_property
    def brand(self) -> Brand:
        """What mails show of whoever sends them."""
        return brand_of(self.settings)

    @cached_property
    def sender(self) -> MailSender:
        """What hands mail over to the provider that the settings name."""
        check_identity(self.settings)
        return providers.sender(self.settings, _StoredInbox(self.database, self.clock))

    @cached_property
    def call_slots(self) -> "CallSlots":
        """The calls to the provider that may be under way from this process."""
        from activities.delivery.call_slots import CallSlots

        return CallSlots(self.sender.at_once)

    @cached_property
    def event_readers(self) -> Mapping[str, EventReader]:
        """Who reads the reports of which provider."""
        return providers.event_readers(self.settings)

    @cached_property
    def caller(self) -> "Caller":
        """Calls the webhooks of journeys."""
        from mail.webhooks.caller import Caller

        return Caller(self.settings.webhook_secret, private=self.settings.hooks_private)

    async def close_clients(self) -> None:
        """Close what speaks to others, as far as it was ever made."""
        for name in ("sender", "caller"):
            if name in self.__dict__:
                await self.__dict__[name].close()

    @cached_property
    def notices(self) -> Notices:
        """Tell that something was written; the worker hears them."""
        return Notices(self.database)

    @cached_property
    def pulses(self) -> Pulses:
        """When the parts of this process last did a round."""
        return Pulses(self.database, self.clock)

    def pumped(self, name: str) -> "LaneWork":
        """A lane of mail, the hooks, or the upkeep, by name."""
        from activities.hooks.lane import HookLane
        from activities.upkeep import LANE as UPKEEP
        from activities.upkeep import UpkeepLane

        if name == hooks.LANE:
            return HookLane(
                self.database,
                lambda: self.caller,
                self.composer,
                self.sender,
                self.clock,
                self.settings.hooks_secrets,
            )
        return UpkeepLane(self.database, self.clock) if name == UPKEEP else self.lane(name)

    def sweep(self) -> "Sweep":
        """Lets in the members of a segment when a schedule comes round."""
        from activities.sweep import Sweep

        return Sweep(self.database, self.clock)

    def operations(self) -> "Operations":
        """Does the long work that somebody asked for."""
        from activities.operations import Operations
        from activities.single_mails import SingleMails

        mails = SingleMails(self.database, self.composer, lambda: self.sender, self.clock)
        return Operations(self.database, self.clock, mails)

    def lane(self, name: str) -> "MailLane":
        """A lane of mail, by name."""
        from activities.delivery.lane import MailLane

        rate = rates.parse(self.settings.mail_rate) if self.settings.mail_rate else None
        return MailLane(name, self.database, self.composer, self.sender, self.clock, rate, self.span, self.call_slots)

    async def program(self, digest: str) -> Program:
        """The program of a digest; raise NotFound where no version has it."""
        return await asyncio.to_thread(self._program, digest)

    def _program(self, digest: str) -> Program:
        with self.database.reading() as session:
            return journeys.compiled(session, digest)

    async def gateway(self, metrics: str | None = None) -> Gateway:
        """A connection to Temporal; `metrics` is where the SDK shows its own, as host:port.

        Raises TemporalUnavailable where nobody answers.
        """
        return await gateway.connect(cluster_of(self.settings), self.program, "waypost", metrics, self.interceptors)

    @property
    def span(self) -> OpenSpan:
        """Opens a span, or nothing where this process does not trace."""
        return self._tracing.span

    @property
    def interceptors(self) -> "Sequence[Interceptor]":
        """What carries traces through Temporal; nothing where this process does not trace."""
        if self.span is no_span:
            return ()
        from waypost.telemetry.workflow_tracing import WorkflowTraces

        return (WorkflowTraces(self.span),)

    def trace(self, service: str) -> None:
        """Trace this process from now on, where the environment says so."""
        self._tracing = tracing(service)

    def close(self) -> None:
        """Close what was made; it may be called twice."""
        if "renderer" in self.__dict__:
            self.renderer.close()
        if "database" in self.__dict__:
            self.database.close()
        self._tracing.close()
        self._tracing = UNTRACED


def brand_of(settings: Settings) -> Brand:
    """What mails show of whoever sends them."""
    return Brand(
        name=settings.brand,
        sender=parse_sender(settings.sender),
        address=settings.postal_address or POSTAL_ADDRESS,
        reply_to=settings.reply_to,
        color=settings.brand_color,
        logo=settings.brand_logo,
        site=settings.brand_url,
    )


def check_identity(settings: Settings) -> None:
    """Mail that goes out for real says who sends it and from where, and its links open; raise CannotStart else."""
    if not settings.sends_for_real:
        return
    if settings.postal_address is None:
        raise CannotStart("set WAYPOST_POSTAL_ADDRESS: mail to real people must show the postal address of its sender")
    if settings.sender == SENDER:
        raise CannotStart('set WAYPOST_SENDER, as "Shop <hello@shop.example>": a domain of yours that may send mail')
    if settings.public_url is None:
        raise CannotStart("set WAYPOST_PUBLIC_URL, where recipients reach this API: links to unsubscribe must open")


def check_catalogues(settings: Settings) -> None:
    """The installation's own languages can be read; raise CannotStart, which names file and line, else."""
    try:
        Translations([settings.template_folder]).check()
    except DamagedCatalogue as damaged:
        raise CannotStart(str(damaged)) from None


def _judge_text(text: str, kind: Literal["subject", "hook"]) -> "TextReading":
    from mail.rendering import texts  # Jinja2 with Babel: only who asks pays for that

    return texts.read(text, kind)


class _StoredInbox:
    """The outbox's inbox, in the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def keep(self, mails: Sequence[Mail]) -> Sequence[str]:
        sender = mails[0].sender.email
        return self._database.write(lambda session: outbox.keep(session, mails, sender, self._clock()))

    def holds(self, send_id: str) -> bool:
        with self._database.reading() as session:
            return outbox.holds(session, send_id)
