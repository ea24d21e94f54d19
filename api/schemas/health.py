"""Alive, and ready."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    """What answers, and what does not."""

    status: str = Field(examples=["ok"])
    database: bool = True
    temporal: bool = True
