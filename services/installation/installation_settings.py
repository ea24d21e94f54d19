"""The settings of the installation: what holds for every journey, customer and mail."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import Session

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.program import assignment
from readers import locales
from store.queries.access import setting_rows


class CapIn(BaseModel):
    """At most `max` mails within any span of `per`."""

    model_config = ConfigDict(extra="forbid")

    max: int = Field(ge=1, le=1_000, examples=[3])
    per: str = Field(description="a duration", examples=["7 days"])

    @field_validator("per")
    @classmethod
    def _a_span(cls, value: str) -> str:
        calendar.parse_span(value)
        return value


class QuietHours(BaseModel):
    """Hours of the customer's own clock in which no mail goes, but transactional."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    begin: str = Field(alias="from", examples=["21:00"])
    to: str = Field(examples=["08:00"])

    @field_validator("begin", "to")
    @classmethod
    def _a_time(cls, value: str) -> str:
        calendar.parse_time(value)
        return value


class Retention(BaseModel):
    """For how many days things are kept; null keeps them."""

    model_config = ConfigDict(extra="forbid")

    bodies: int | None = Field(default=365, ge=1, le=36_500, description="the rendered bodies of mails")
    rejections: int | None = Field(default=30, ge=1, le=36_500, description="the log of rejected events")
    operations: int | None = Field(default=90, ge=1, le=36_500, description="ended operations with their errors")


class Unsure(BaseModel):
    """Mail of which nobody can tell whether it went."""

    model_config = ConfigDict(extra="forbid")

    after: str = Field(default="24 hours", description="how long evidence is waited for")
    then: Literal["park", "resend"] = Field(default="park", description="for a person to decide, or send it once more")

    @field_validator("after")
    @classmethod
    def _a_span(cls, value: str) -> str:
        calendar.parse_span(value)
        return value


class AttributionIn(BaseModel):
    """Which mails are credited with an order, where their journey has no goal that says it."""

    model_config = ConfigDict(extra="forbid")

    window: str = Field(
        default="7 days", description="how long before an order: of broadcasts, and of journeys without a goal"
    )
    transactional: bool = Field(default=False, description="credit transactional mail too")

    @field_validator("window")
    @classmethod
    def _a_span(cls, value: str) -> str:
        calendar.parse_span(value)
        return value


class Utm(BaseModel):
    """Parameters that links get; campaign and content are the journey (or broadcast) and the template."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(default="waypost", min_length=1, max_length=100)
    medium: str = Field(default="email", min_length=1, max_length=100)


class TrackingIn(BaseModel):
    """What is followed in mail that is not transactional; a link with data-track="no" never is."""

    model_config = ConfigDict(extra="forbid")

    opens: bool = True
    clicks: bool = True
    utm: Utm | None = Field(default=None, description="null adds nothing to links")


class InstallationSettings(BaseModel):
    """What holds for the whole installation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "timezone": "Europe/Berlin",
                    "quiet_hours": {"from": "21:00", "to": "08:00"},
                    "cap": {"max": 3, "per": "7 days"},
                    "sandbox": ["me@example.com", "@example.org"],
                    "retention": {"bodies": 365, "rejections": 30, "operations": 90},
                }
            ]
        },
    )

    timezone: str = Field(default="UTC", description="for customers and journeys without one; an IANA name")
    quiet_hours: QuietHours | None = None
    cap: CapIn | None = Field(default=None, description="over all mail but transactional")
    sandbox: list[Annotated[str, Field(min_length=2, max_length=320)]] | None = Field(
        default=None, max_length=1_000, description="before going live: only these addresses and @domains get mail"
    )
    locale: str = Field(default="en", pattern=locales.TAGS, description="the language of templates without variants")
    tracking: TrackingIn = TrackingIn()
    control_group: int = Field(
        default=0, ge=0, le=50, description="percent of customers who get no mail but transactional, for comparison"
    )
    one_profile_per_address: bool = Field(
        default=False,
        description="an identify that says an address makes one of all customers who have it; that cannot be undone",
    )
    attribution: AttributionIn = AttributionIn()
    main_currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="in which reports sum amounts of several currencies, by the rates of their days (ISO 4217)",
    )
    unsure: Unsure = Unsure()
    retention: Retention = Retention()

    @field_validator("timezone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        calendar.check_zone(value)
        return value


def awake(quiet: QuietHours | None) -> Window | None:
    """What quiet hours leave of the day; None where there are none."""
    return Window(opens=calendar.parse_time(quiet.to), closes=calendar.parse_time(quiet.begin)) if quiet else None


def load(session: Session) -> InstallationSettings:
    """The settings; what was never set has its default."""
    body = setting_rows.body(session)
    return InstallationSettings.model_validate(body) if body is not None else InstallationSettings()


def save(session: Session, settings: InstallationSettings, now: datetime) -> None:
    """Keep all settings, as a whole; they hold for mail that is planned, too."""
    body = settings.model_dump(mode="json", by_alias=True)
    setting_rows.put(session, body, now)


def is_in_control_group(settings: InstallationSettings, customer_id: str) -> bool:
    """Whether the customer is in the control group: always the same ones, and a larger group has the smaller in it."""
    return assignment.share("control group", customer_id) < settings.control_group / 100


def is_outside_sandbox(settings: InstallationSettings, email: str) -> bool:
    """Whether this address gets no mail before the installation goes live."""
    if settings.sandbox is None:
        return False
    address, domain = email.lower(), "@" + email.lower().rpartition("@")[2]
    return not any(one.lower() in (address, domain) for one in settings.sandbox)
