"""The channels that mail goes out by, and the lanes that lead to them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


class ChannelOut(Shown):
    """A provider that mail goes out by. Closed, every lane waits; then one mail is tried."""

    name: str = Field(examples=["sendgrid"])
    closed_until: datetime | None
    failures: int = Field(description="attempts in a row that failed", examples=[0])
    alarm: str | None = Field(examples=["SendGrid answered 401: the API key is refused"])
    updated_at: datetime


class LaneOut(BaseModel):
    """What waits in a lane."""

    name: str = Field(examples=["journey"])
    waiting: int = Field(description="planned, and not yet claimed; some for later", examples=[0])
    sending: int = Field(description="claimed, or with the provider", examples=[0])
    unknown: int = Field(description="may or may not have gone; evidence is sought", examples=[0])
    parked: int = Field(description="for a person to decide", examples=[0])


class HoldIn(BaseModel):
    """Why all lanes are held."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=500, examples=["a backup was restored"])


class HoldOut(Shown):
    """All lanes are held: nothing is claimed until somebody lets them go."""

    since: datetime
    by: str = Field(description="the key that asked for it, or `command line`", examples=["command line"])
    reason: str = Field(examples=["a backup was restored"])


class ChannelsOut(BaseModel):
    """The channels that were used, the lanes, and the hold of all of them, where there is one."""

    channels: list[ChannelOut]
    lanes: list[LaneOut]
    held: HoldOut | None
