"""Delivery events: what a provider reports about a message."""

from datetime import datetime

from pydantic import BaseModel, Field

from api.schemas.base import Shown


class DeliveryEventOut(Shown):
    """Something that became of a mail after it was accepted."""

    kind: str = Field(
        description="`unknown` where the provider's word is not known; it is the reason", examples=["opened"]
    )
    at: datetime
    url: str | None = Field(examples=[None])
    reason: str | None = Field(examples=[None])
    machine: bool = Field(description="no person did it: a mail proxy that loads pictures, say")


class Reported(BaseModel):
    """What came of a provider's report."""

    taken: int = Field(examples=[3])
    repeated: int = Field(description="known already", examples=[0])
    unknown: int = Field(description="about mails that are not here, or no more", examples=[0])
    unreadable: int = Field(description="events of mails from here that could not be read", examples=[0])
