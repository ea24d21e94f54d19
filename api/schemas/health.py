"""Alive, and ready."""

from pydantic import BaseModel, Field


class Health(BaseModel):
    status: str = Field(examples=["ok"])
    database: bool = True
    temporal: bool = True
