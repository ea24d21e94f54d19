"""What a form says, read into its shape: what is wrong with it is told in words, by its field."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.errors import InvalidInput

FormShape = TypeVar("FormShape", bound=BaseModel)


def read(shape: type[FormShape], said: Mapping[str, Any]) -> FormShape:
    """What a form says; raise InvalidInput, which names the first field that is wrong and why."""
    try:
        return shape.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        told = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidInput(f"{path.replace('_', ' ')}: {told}", path) from None


def lines(text: str) -> list[str]:
    """The lines of a field that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]
