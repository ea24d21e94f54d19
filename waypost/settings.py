"""Settings, from the environment (`WAYPOST_…`) or `.env`."""

import base64
import json
import secrets
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator
from pydantic_settings import NoDecode, SettingsConfigDict

from mail.brand import COLOR, GREEN
from readers.keys import KEY
from waypost.openid_settings import OpenIdSettings
from waypost.private_files import kept
from waypost.setting_readers import MAIL, STORE, TEMPORAL, WORKERS, Reader, SettingFacts
from waypost.setting_readers import field_of as _of

RATE = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
"""As `services.installation.rates` reads it: `100/second`."""

UI_ABOVE, HIGHEST_PORT = 1_000, 65_535
"""So much higher than its own port Temporal's dev server has its web pages where nothing is said, as it does itself."""

SENDER = "Waypost <hello@waypost.example>"
"""What the local outbox shows; a real provider wants a real one."""

Provider = Literal["sendgrid", "smtp", "outbox"]
"""What mail can go by."""


def _port(*readers: Reader, default: int | None = None, description: str) -> Any:
    return _of(*readers, default=default, ge=1, le=HIGHEST_PORT, description=description)


def _listed(given: Any) -> Any:
    """A text with commas as its parts."""
    return [one.strip() for one in given.split(",") if one.strip()] if isinstance(given, str) else given


def _named_secrets(given: Any) -> Any:
    """Names and texts from JSON; what is wrong is said without them."""
    if not isinstance(given, str):
        return given
    try:
        read = json.loads(given)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(
        KEY.fullmatch(name) and isinstance(text, str) and text and text.isprintable()
        for name, text in cast(dict[str, Any], read).items()
    ):
        raise ValueError('it must be a JSON object of names and texts of one line, as {"crm_token": "Bearer …"}')
    return cast(dict[str, str], read)


class Settings(OpenIdSettings):
    """Everything that can be set. `docs/operate.md` lists the same; docker-compose.yml gives each to who reads it."""

    model_config = SettingsConfigDict(
        env_prefix="WAYPOST_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = _of(*Reader, default=Path(".waypost"), description="data directory")
    host: str = _of(Reader.API, default="127.0.0.1", description="address the API listens on")
    port: int = _port(Reader.API, Reader.CLI, Reader.UP, default=8000, description="port of the API and its pages")
    api_url: str | None = _of(Reader.CLI, description="where the command line finds the API, if not on this machine")
    temporal_port: int = _port(Reader.UP, default=7233, description="port of the embedded Temporal server")
    temporal_ui_port: int | None = _port(
        Reader.UP, description="port of the embedded Temporal's web UI; else 1000 above `WAYPOST_TEMPORAL_PORT`"
    )
    temporal_address: str | None = _of(*TEMPORAL, description="an outside Temporal; then none is started")
    temporal_namespace: str = _of(*TEMPORAL, default="default", description="Temporal namespace")
    temporal_api_key: str | None = _of(*TEMPORAL, secret=True, description="API key of Temporal Cloud, which needs TLS")
    temporal_tls: bool | None = _of(
        *TEMPORAL, description="speak TLS with Temporal; where absent, if a setting for TLS or an API key is there"
    )
    temporal_tls_client_cert: Path | None = _of(*TEMPORAL, description="client certificate for Temporal, as a PEM file")
    temporal_tls_client_key: Path | None = _of(*TEMPORAL, description="its private key, as a PEM file")
    temporal_tls_server_ca: Path | None = _of(
        *TEMPORAL, description="authorities that sign Temporal's certificate, as a PEM file; else the system's"
    )
    temporal_tls_server_name: str | None = _of(
        *TEMPORAL, description="name on Temporal's certificate, if it is not that of the address"
    )
    temporal_codec: str | None = _of(
        *TEMPORAL,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="what encodes all that Temporal keeps: `module:callable`, which gives a PayloadCodec",
    )
    metrics: str | None = _of(
        *WORKERS,
        pattern=r"^[^:\s]+:[0-9]{1,5}$",
        description="where a worker shows its metrics, as 0.0.0.0:9464; the API shows its own at /metrics",
    )
    health: str | None = _of(
        *WORKERS, pattern=r"^[^:\s]+:[0-9]{1,5}$", description="where a worker answers /healthz, as 0.0.0.0:9465"
    )
    build_id: str | None = _of(
        *WORKERS,
        Reader.PROMOTE,
        description="names this build to Temporal; its workers get work once it is promoted",
    )
    database_url: str | None = _of(*STORE, secret=True, description="PostgreSQL, or SQLite in the home where absent")
    admin_key: str | None = _of(
        Reader.MIGRATE,
        Reader.UP,
        Reader.CLI,
        secret=True,
        description="the admin key, made on the first start where absent",
    )
    public_url: str | None = _of(*MAIL, description="where recipients reach the links of their mails")
    pages_url: str | None = _of(
        *MAIL, description="where colleagues open the pages and sign in, if not under `WAYPOST_PUBLIC_URL`"
    )
    secret: str | None = _of(*MAIL, secret=True, description="signs links; made on the first start where absent")
    former_secret: str | None = _of(
        Reader.API, secret=True, description="former secrets, separated by commas, whose links still open"
    )
    sender: str = _of(*MAIL, default=SENDER, description="From of every mail")
    reply_to: str | None = _of(*MAIL, description="where answers go, if not to the sender")
    brand: str = _of(*MAIL, default="Waypost", description="name that mails show")
    brand_color: str = _of(
        *MAIL, default=GREEN, pattern=f"^{COLOR.pattern}$", description="colour of buttons, as #0b6e4f"
    )
    brand_logo: str | None = _of(
        *MAIL, pattern="^https://", description="https address of a picture that mails show in the name's place"
    )
    brand_url: str | None = _of(
        *MAIL,
        pattern="^https?://",
        description="your site, where buttons in mails lead; else the domain of the sender",
    )
    postal_address: str | None = _of(
        *MAIL, description="shown in every mail; the law asks for it, and so does a real provider here"
    )
    templates: Path | None = _of(*MAIL, Reader.CLI, description="your own mail templates; else HOME/templates")
    provider: Provider | None = _of(
        *MAIL,
        description="`sendgrid`, `smtp` or `outbox` (mail stays here); else SendGrid where there is its key, "
        "SMTP where there is its URL",
    )
    sendgrid_api_key: str | None = _of(
        Reader.DELIVERY,
        secret=True,
        validation_alias=AliasChoices("SENDGRID_API_KEY", "WAYPOST_SENDGRID_API_KEY"),
        description="send by SendGrid",
    )
    sendgrid_host: str = _of(
        Reader.DELIVERY, default="https://api.sendgrid.com", description="SendGrid's address, or its EU region"
    )
    sendgrid_log: bool = _of(
        Reader.DELIVERY,
        default=False,
        description="look for lost answers in SendGrid's Email Activity Feed (an add-on of theirs)",
    )
    sendgrid_webhook_key: str | None = _of(
        Reader.API, description="verification key of SendGrid's Event Webhook, which posts to /webhooks/sendgrid"
    )
    smtp_url: str | None = _of(
        Reader.DELIVERY, secret=True, description="send by SMTP: smtp+starttls://user:password@host:587"
    )
    smtp_ca: Path | None = _of(Reader.DELIVERY, description="certificates to trust beside the system's, as a PEM file")
    mail_rate: str | None = _of(
        Reader.DELIVERY, pattern=RATE, description="how fast mail goes out, such as 100/second; all workers share it"
    )
    rate: str = _of(
        Reader.API, default="6000/minute", pattern=RATE, description="calls per span of a key without a rate of its own"
    )
    approval: bool = _of(
        Reader.API, default=False, description="an approver publishes what another has written, by its plan"
    )
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = _of(
        Reader.API,
        default=(),
        description="names by which people open the pages, separated by commas, beside those of both URLs above",
    )
    open_pages: Annotated[tuple[Literal["/", "/metrics"], ...], NoDecode, BeforeValidator(_listed)] = _of(
        Reader.API, default=(), description="of `/` and `/metrics` those that ask for no key, separated by commas"
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)] = _of(
        Reader.API,
        default=(),
        description="addresses or networks of your proxies, separated by commas, whose `X-Forwarded-For` is believed",
    )
    hooks_private: bool = _of(
        Reader.API, Reader.DELIVERY, default=False, description="let webhooks call addresses inside the own network"
    )
    hooks_secret: str | None = _of(
        Reader.DELIVERY,
        secret=True,
        description="signs webhooks: whsec_ and base64; made on the first start where absent",
    )
    hooks_secrets: Annotated[Mapping[str, str], NoDecode, BeforeValidator(_named_secrets)] = _of(
        Reader.DELIVERY,
        secret=True,
        default={},
        description="what journeys name by `{secret: NAME}`, as a JSON object of names and texts",
    )
    hooks_secret_names: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = _of(
        Reader.API,
        Reader.CLI,
        default=(),
        description="the names in `WAYPOST_HOOKS_SECRETS`, separated by commas, where a process checks journeys and is "
        "not given what they stand for",
    )

    @classmethod
    def facts(cls) -> Mapping[str, SettingFacts]:
        """By field, who reads it and whether it is a secret."""
        return {
            name: next(one for one in field.metadata if isinstance(one, SettingFacts))
            for name, field in cls.model_fields.items()
        }

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a field."""
        alias = cls.model_fields[name].validation_alias
        return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"WAYPOST_{name.upper()}"

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite:///{self.database_file.absolute()}"

    @property
    def database_file(self) -> Path:
        """Where the database is, if no other is named."""
        return self.home / "waypost.db"

    @property
    def ui_port(self) -> int:
        """Where the embedded Temporal shows its pages: it moves with the server, so that two fit on one machine."""
        above = self.temporal_port + UI_ABOVE
        return self.temporal_ui_port or (above if above <= HIGHEST_PORT else self.temporal_port - UI_ABOVE)

    @property
    def temporal(self) -> str:
        """Where Temporal is, as host:port."""
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    @property
    def url(self) -> str:
        """Where the API is on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def links_url(self) -> str:
        """Where the links of mails lead."""
        return self.public_url or self.url

    @property
    def desk_url(self) -> str:
        """Where colleagues open the pages."""
        return (self.pages_url or self.links_url).rstrip("/")

    @property
    def sends_by(self) -> Provider:
        """Who takes the mails: as said, else whoever can be reached."""
        if self.provider is not None:
            return self.provider
        return "sendgrid" if self.sendgrid_api_key else "smtp" if self.smtp_url else "outbox"

    @property
    def sends_for_real(self) -> bool:
        """Whether mail leaves this machine."""
        return self.sends_by != "outbox"

    @property
    def page_hosts(self) -> frozenset[str]:
        """The names by which people open the pages, in lower case."""
        known = (urlsplit(url or "").hostname for url in (self.public_url, self.pages_url))
        return frozenset({"localhost", *(one.lower() for one in self.hosts), *(one for one in known if one)})

    @property
    def known_secrets(self) -> frozenset[str]:
        """The names that journeys may use for secrets of their hooks."""
        return frozenset({*self.hooks_secrets, *self.hooks_secret_names})

    @property
    def former_secrets(self) -> list[str]:
        """Secrets whose links still open, one by one."""
        return [one.strip() for one in (self.former_secret or "").split(",") if one.strip()]

    @property
    def template_folder(self) -> Path:
        """Where templates of one's own are."""
        return self.templates or self.home / "templates"

    @property
    def key_file(self) -> Path:
        """Where `waypost up` leaves the admin key for the command line (readable by its owner alone)."""
        return self.home / "admin.key"

    def make_secrets(self) -> None:
        """Make those that are neither set nor kept yet, before there are several processes that would."""
        assert self.signing_secret
        assert self.webhook_secret

    @cached_property
    def webhook_secret(self) -> str:
        """What receivers of webhooks verify with, apart from the secret for links."""
        return self.hooks_secret or kept(self.home / "hooks.secret", _webhook_secret)

    @cached_property
    def signing_secret(self) -> str:
        """The secret for links; kept in the home, so that links outlive a restart."""
        return self.secret or kept(self.home / "secret", lambda: secrets.token_urlsafe(32))


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
