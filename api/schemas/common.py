"""What all answers share."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `cursor` leads to the next one, and is null on the last."""

    items: list[Item]
    cursor: str | None = Field(default=None, description="pass as `cursor` to read on")


class ControlIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "asked by phone"}]})

    reason: str = Field(default="", max_length=200, description="kept with the decision")


class Changed(BaseModel):
    """A change that goes on in the background."""

    operation: str | None = Field(description="the operation that carries it out, to watch", examples=["op_06h0ay4t1d"])
