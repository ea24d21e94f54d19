"""What a form of a page holds, read as the model that the API's call takes: the same bounds, told in a sentence."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.errors import InvalidInput

FromForm = TypeVar("FromForm", bound=BaseModel)


def read(model: type[FromForm], given: Mapping[str, Any]) -> FromForm:
    """The model of what is given; raise InvalidInput, with the field, where it is not what the model asks for."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{path}: {told}" if path else told, path or None) from None
