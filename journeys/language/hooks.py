"""What a step says to others than the customer: a call to another system, a note to a colleague."""

from typing import Literal

from pydantic import JsonValue, model_validator
from pydantic_core import PydanticCustomError

from journeys.language.secrets import SecretOrText, SecretOrUrl
from journeys.language.words import EmailAddress, Part, Prose


class Webhook(Part):
    """A call to another system, signed, made at least once. Texts may hold Jinja2 expressions."""

    url: SecretOrUrl
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, SecretOrText] = {}
    body: JsonValue = None


class Notify(Part):
    """A note to a colleague: to an `email`, or to the `url` of a chat's incoming webhook."""

    email: EmailAddress | None = None
    url: SecretOrUrl | None = None
    subject: Prose | None = None
    text: Prose

    @model_validator(mode="after")
    def _one_way(self) -> "Notify":
        if (self.email is None) == (self.url is None):
            raise PydanticCustomError("notify", "a notify goes to exactly one of email, url")
        return self
