"""What shapes share: read off rows, shown in pages."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Shown(BaseModel):
    """A shape that is read off a row by its columns' names."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `cursor` leads to the next one, and is null on the last."""

    items: list[Item]
    cursor: str | None = Field(default=None, description="pass as `cursor` to read on")
