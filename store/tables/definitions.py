"""What marketers define: journeys and templates with their versions, topics, and the settings of the installation."""

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import ordered_json_column as _ordered_json
from store.types import partial_index

THE_LIFECYCLE = "lifecycle AND live_version IS NOT NULL AND archived_at IS NULL"
"""What is true of one journey at most: a customer has one lifecycle stage, so no two may say it."""


class Journey(SQLModel, table=True):
    """A journey by key: its draft, and which version is live. One that lets customers in is the lifecycle.

    `revision` counts the changes of the draft; `drafted_by` is the key that made the last one, and `based_on` the
    revision that it had read (None: it did not say). `paused_stages` are the stages that are paused, each with the
    instant since when; `resumed` is the last resume of each stage (of the whole journey: ""), `{"at": …, "late": …}`.
    """

    __table_args__ = (partial_index("uq_journey_lifecycle", "lifecycle", of=THE_LIFECYCLE, unique=True),)

    key: str = Field(primary_key=True)
    name: str | None = None
    draft: dict[str, Any] | None = _ordered_json(default=None)
    revision: int = 0
    based_on: int | None = None
    drafted_by: str | None = None
    live_version: int | None = None
    lifecycle: bool = False
    paused_at: datetime | None = _at(default=None)
    paused_stages: dict[str, Any] = _json(default_factory=lambda: {})
    resumed: dict[str, Any] = _json(default_factory=lambda: {})
    archived_at: datetime | None = _at(default=None)
    alarm: str | None = None
    created_at: datetime = _at()
    updated_at: datetime = _at()


class DraftText(SQLModel, table=True):
    """What somebody writes of a journey in the browser, valid or not: one for each journey.

    `revision` counts its changes, of which `written_by` (a user) made the last. `based_on` is the revision of the
    journey's draft that it carries on from; its revision `drafted` is that draft. Once it is published it is kept for
    its comments (`published_at`). `sheet` names the page from which it was saved last.
    """

    __tablename__: ClassVar[Any] = "draft_text"

    journey: str = Field(primary_key=True)
    text: str
    revision: int
    based_on: int
    drafted: int = 0
    written_by: str | None = None
    sheet: str = ""
    published_at: datetime | None = _at(default=None)
    created_at: datetime = _at()
    updated_at: datetime = _at()


class JourneyVersion(SQLModel, table=True):
    """An immutable published definition, with the keys that wrote and that published it; None where none is known.

    Nobody goes back to one that is archived. One that is tried on a few is entered by `share` in a hundred of those who
    come while it is live; the rest enter the version `others`.
    """

    __tablename__: ClassVar[Any] = "journey_version"

    journey: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    digest: str = Field(index=True)
    canonical: str
    drafted_by: str | None = None
    published_by: str | None = None
    published_at: datetime = _at()
    archived_at: datetime | None = _at(default=None)
    share: int = 100
    others: int | None = None


class VersionTemplate(SQLModel, table=True):
    """A template that a version of a journey sends, and its newest version when that was published (None: a file).

    `pinned` says that mails of this version are made of that one; else of the newest there is.
    """

    __tablename__: ClassVar[Any] = "version_template"

    journey: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    template: str = Field(primary_key=True, index=True)
    template_version: int | None = None
    pinned: bool = False


class Topic(SQLModel, table=True):
    """What a customer can unsubscribe from. `cap_max` mails within `cap_seconds`, where it has a cap.

    `names` is what it is called in other languages than that of `name`, by their tags.

    `consent` is opt_in, opt_out or double_opt_in; one that too many complained about is paused, with an alarm.
    """

    key: str = Field(primary_key=True)
    name: str | None = None
    names: dict[str, str] = _json(default_factory=lambda: {})
    consent: str = "opt_out"
    transactional: bool = False
    cap_max: int | None = None
    cap_seconds: int | None = None
    paused_at: datetime | None = _at(default=None)
    alarm: str | None = None
    created_at: datetime = _at()
    updated_at: datetime = _at()


class Template(SQLModel, table=True):
    """A mail template kept here (others are files), and which of its versions is sent."""

    key: str = Field(primary_key=True)
    version: int
    created_at: datetime = _at()
    updated_at: datetime = _at()


class TemplateVersion(SQLModel, table=True):
    """An immutable version of a template. `locales` holds the same texts in other languages, by their tags."""

    __tablename__: ClassVar[Any] = "template_version"

    key: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    subject: str
    html: str
    text: str
    preheader: str = ""
    locales: dict[str, Any] = _json(default_factory=lambda: {})
    created_at: datetime = _at()


class Setting(SQLModel, table=True):
    """What holds for the whole installation: one row.

    `value` is what the last fit of the value of customers found, and when; null before the first. So is `silences`
    what the last look for what has stopped happening found.
    """

    id: int = Field(primary_key=True)
    body: dict[str, Any] = _json(default_factory=lambda: {})
    updated_at: datetime = _at()
    value: dict[str, Any] | None = _json(default=None)
    silences: dict[str, Any] | None = _json(default=None)
