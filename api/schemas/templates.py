"""Mail templates."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown

_HTML = '{% extends "_layout.html" %}{% block body %}<h1>Hello {{ customer.first_name }}</h1>{% endblock %}'


class TemplateIn(BaseModel):
    """The three texts of a template, each Jinja2; they name customer, enrollment, brand, unsubscribe_url, subject."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"subject": "Hello {{ customer.first_name }}", "html": _HTML}]}
    )

    subject: str = Field(min_length=1, max_length=1_000)
    html: str = Field(
        min_length=1, max_length=300_000, description='may extend "_layout.html" and fill its block `body`'
    )
    text: str = Field(default="", max_length=100_000, description="the plain-text part; made of the HTML where empty")


class TemplateOut(BaseModel):
    """A template: kept here with versions, or a file."""

    key: str = Field(examples=["welcome"])
    kept: Literal["here", "file"] = Field(description="a file is changed where Waypost is installed")
    version: int | None = Field(description="the newest version, where it is kept here", examples=[3])
    subject: str | None = Field(examples=["Hello {{ customer.first_name }}"])
    html: str | None
    text: str | None
    created_at: datetime | None


class TemplateVersionOut(Shown):
    key: str = Field(examples=["welcome"])
    number: int = Field(examples=[3])
    subject: str
    html: str
    text: str
    created_at: datetime


class TemplateStored(TemplateOut):
    created: bool = Field(description="false where the newest version has these very texts")
    warnings: list[str] = Field(examples=[["an <img> has no alt text"]])


class PreviewIn(BaseModel):
    """For whom to render: a customer, or somebody made up."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"attributes": {"first_name": "Ann"}}, {"customer": "17"}]}
    )

    customer: str | None = Field(default=None, max_length=320, description="your id, or the email address")
    attributes: dict[str, Any] = Field(default={}, description="of somebody made up, or instead of the customer's own")
    enrollment: dict[str, Any] = Field(default={}, description="what a run would be given")
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="of a template kept here")


class TestIn(PreviewIn):
    """To whom a test mail goes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": "me@example.com", "customer": "17"}]}
    )

    to: str = Field(min_length=3, max_length=320, description="one address; consent and caps are not asked")


class PreviewOut(BaseModel):
    subject: str = Field(examples=["Hello Ann"])
    html: str
    text: str
    warnings: list[str]
