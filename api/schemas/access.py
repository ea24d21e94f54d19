"""Keys, the log of refusals, health."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown


class KeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "shop", "scopes": ["ingest"]}]})

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(description="of ingest, marketer, support, admin")
    expires_at: datetime | None = Field(default=None, description="from then on it is refused")
    rate: str | None = Field(None, description="calls per span, if not the usual", examples=["600/minute"])


class KeyOut(Shown):
    id: str
    name: str = Field(examples=["shop"])
    prefix: str = Field(examples=["wp_3kF9xQ2a"])
    scopes: list[str] = Field(examples=[["ingest"]])
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    rate: str | None = Field(examples=["600/minute"])
    revoked_at: datetime | None


class KeyMade(KeyOut):
    key: str = Field(description="shown this once", examples=["wp_…"])


class RejectionOut(Shown):
    id: str
    received_at: datetime
    message_id: str | None
    type: str | None = Field(examples=["track"])
    path: str = Field(examples=["event"])
    reason: str = Field(examples=["a track call names its event, a text that is not empty"])


class Health(BaseModel):
    status: str = Field(examples=["ok"])
    database: bool = True
    temporal: bool = True


class AuditOut(Shown):
    """Who changed what."""

    id: str
    at: datetime
    actor: str = Field(description="the id of the key, or the command line", examples=["key_06h0ay4sys37zybcgkg3wbbb"])
    action: str = Field(examples=["published"])
    kind: str = Field(examples=["journey"])
    target: str = Field(examples=["lifecycle"])
    before: dict[str, Any] | None = Field(description="what differed, as it was", examples=[{"live_version": 1}])
    after: dict[str, Any] | None = Field(description="what differed, as it became", examples=[{"live_version": 2}])
