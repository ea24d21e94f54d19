"""API keys."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


class KeyIn(BaseModel):
    """A key that is wanted."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "shop", "scopes": ["ingest"]}]})

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(
        description="of ingest, marketer, support, approver, admin; or browser alone, for a key in a page"
    )
    expires_at: datetime | None = Field(default=None, description="from then on it is refused")
    rate: str | None = Field(None, description="calls per span, if not the usual", examples=["600/minute"])
    origins: list[str] = Field(
        [], description="browser, ingest: the pages that may call with it", examples=[["https://shop.example"]]
    )


class OriginsIn(BaseModel):
    """The pages that may call with a key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"origins": ["https://shop.example"]}]})

    origins: list[str] = Field(description="scheme, host and port of each, as browsers send it; [] for none")


class KeyOut(Shown):
    """A key, without its text."""

    id: str
    name: str = Field(examples=["shop"])
    prefix: str = Field(examples=["wp_3kF9xQ2a"])
    scopes: list[str] = Field(examples=[["ingest"]])
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    rate: str | None = Field(examples=["600/minute"])
    origins: list[str] = Field(description="of the pages that may call with it", examples=[["https://shop.example"]])
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A key with its text."""

    key: str = Field(description="shown this once", examples=["wp_…"])
