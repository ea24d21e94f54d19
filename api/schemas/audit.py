"""Who changed what."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Shown


class AuditOut(Shown):
    """Who changed what."""

    id: str
    at: datetime
    actor: str = Field(
        description="the id of the user or the key, or the command line", examples=["key_06h0ay4sys37zybcgkg3wbbb"]
    )
    by: str | None = Field(default=None, description="the name of the user or the key", examples=["Bea"])
    action: str = Field(examples=["published"])
    kind: str = Field(examples=["journey"])
    target: str = Field(examples=["lifecycle"])
    before: dict[str, Any] | None = Field(description="what differed, as it was", examples=[{"live_version": 1}])
    after: dict[str, Any] | None = Field(description="what differed, as it became", examples=[{"live_version": 2}])
