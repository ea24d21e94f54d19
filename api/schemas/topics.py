"""Topics: what a customer can unsubscribe from."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from readers.locales import TAGS
from services.definitions.topics import ConsentRule
from services.installation.installation_settings import CapIn


class TopicIn(BaseModel):
    """What a customer can unsubscribe from, and on what terms mail about it goes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Product news",
                    "names": {"de": "Neuigkeiten"},
                    "consent": "opt_out",
                    "cap": {"max": 2, "per": "7 days"},
                }
            ]
        },
    )

    name: str | None = Field(default=None, max_length=200, description="in the installation's own language")
    names: dict[Annotated[str, Field(pattern=TAGS)], Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default={}, max_length=50, description="in other languages, by tag; recipients read their own"
    )
    consent: ConsentRule = Field(
        default="opt_out",
        description="opt_in: no mail without consent; double_opt_in: none before it was confirmed by a link in a mail",
    )
    transactional: bool = Field(default=False, description="needs no consent, and knows neither cap nor quiet hours")
    cap: CapIn | None = None


class TopicOut(BaseModel):
    """A topic and its terms."""

    key: str = Field(examples=["product-news"])
    name: str | None = Field(examples=["Product news"])
    names: dict[str, str] = Field(examples=[{"de": "Neuigkeiten"}])
    consent: str = Field(examples=["opt_out"])
    transactional: bool
    cap_max: int | None = Field(examples=[2])
    cap_seconds: int | None = Field(description="the span of the cap", examples=[604_800])
    paused_at: datetime | None = Field(description="mail about it waits since then")
    alarm: str | None = Field(description="why it stopped itself, or may soon", examples=[None])
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)
