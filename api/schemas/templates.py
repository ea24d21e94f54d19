"""Mail templates."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from mail.rendering.limits import LARGEST_TEMPLATE
from readers.locales import TAGS

_HTML = '{% extends "_layout.html" %}{% block body %}<h1>Hello {{ customer.first_name }}</h1>{% endblock %}'


class TextsIn(BaseModel):
    """The texts of a template in one language, each Jinja2.

    They name customer, enrollment, brand, unsubscribe_url, preferences_url, subject, preheader, locale, timezone, now;
    the filters are Jinja2's, and currency, number, percent, date, time, datetime.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"subject": "Hello {{ customer.first_name }}", "html": _HTML}]}
    )

    subject: str = Field(min_length=1, max_length=1_000)
    preheader: str = Field(default="", max_length=1_000, description="what an inbox shows beside the subject")
    html: str = Field(
        min_length=1,
        max_length=LARGEST_TEMPLATE,
        description='HTML, which may extend "_layout.html" and fill its block `body`; or MJML',
    )
    text: str = Field(
        default="", max_length=LARGEST_TEMPLATE, description="the plain-text part; made of the HTML, once, where empty"
    )


class TemplateIn(TextsIn):
    """The texts of a template, and the same in other languages."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "subject": "Hello {{ customer.first_name }}",
                    "html": _HTML,
                    "locales": {"de": {"subject": "Hallo {{ customer.first_name }}", "html": _HTML}},
                }
            ]
        },
    )

    locales: dict[Annotated[str, Field(pattern=TAGS, examples=["de"])], TextsIn] = Field(
        default={}, max_length=50, description="by language tag; de-AT falls back to de, and that to the texts above"
    )


class TextsOut(BaseModel):
    """The texts of a template in one language."""

    subject: str
    preheader: str
    html: str
    text: str


class TemplateOut(BaseModel):
    """A template: kept here with versions, or a file."""

    key: str = Field(examples=["welcome"])
    kept: Literal["here", "file"] = Field(description="a file is changed where Waypost is installed")
    version: int | None = Field(description="the newest version, where it is kept here", examples=[3])
    subject: str = Field(examples=["Hello {{ customer.first_name }}"])
    preheader: str
    html: str = Field(examples=[_HTML])
    text: str
    locales: dict[str, TextsOut]
    created_at: datetime | None


class TemplateVersionOut(Shown):
    """A version of a template, which never changes."""

    key: str = Field(examples=["welcome"])
    number: int = Field(examples=[3])
    subject: str
    preheader: str
    html: str
    text: str
    locales: dict[str, TextsOut]
    created_at: datetime


class PinnedBy(Shown):
    """A version of a journey whose mails are made of one version of the template."""

    journey: str = Field(examples=["lifecycle"])
    number: int = Field(description="the journey's version", examples=[2])
    template_version: int | None = Field(description="null for a file", examples=[3])


class TemplateUsageOut(BaseModel):
    """Who sends a template, and what a new version of it would reach."""

    journeys: list[str] = Field(description="live ones that send it", examples=[["lifecycle"]])
    broadcasts: list[str] = Field(description="those that will send it", examples=[["spring"]])
    pinned: list[PinnedBy] = Field(description="versions of journeys that keep to the version they were published with")
    planned_mails: int = Field(description="planned, not on their way, and not pinned: they carry the newest version")


class TemplateStored(TemplateOut):
    """A template as it was stored, and what an inbox may not like about it."""

    created: bool = Field(description="false where the newest version has these very texts")
    planned_mails: int = Field(description="planned already, which will carry this version", examples=[1200])
    warnings: list[str] = Field(examples=[["an <img> has no alt text"]])


class PreviewIn(BaseModel):
    """For whom to render: a customer, or somebody made up."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"attributes": {"first_name": "Ann"}}, {"customer": "17"}]}
    )

    customer: str | None = Field(default=None, max_length=320, description="your id, or the email address")
    attributes: dict[str, Any] = Field(default={}, description="of somebody made up, or instead of the customer's own")
    enrollment: dict[str, Any] = Field(default={}, description="what a run would be given")
    locale: str | None = Field(default=None, pattern=TAGS, description="instead of the customer's own", examples=["de"])
    subject: str | None = Field(
        default=None, min_length=1, max_length=400, description="instead of the template's own, as of a broadcast"
    )
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="of a template kept here")


class TestMailIn(PreviewIn):
    """To whom a test mail goes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": "me@example.com", "customer": "17"}]}
    )

    to: str = Field(min_length=3, max_length=320, description="one address; consent and caps are not asked")


class PreviewOut(BaseModel):
    """A mail as it would go."""

    subject: str = Field(examples=["Hello Ann"])
    html: str
    text: str
    locale: str = Field(description="how dates and amounts are written", examples=["de-AT"])
    headers: dict[str, str] = Field(description="beside From, To, Subject and Date")
    warnings: list[str]
