"""Secrets of hooks: a definition names one, `{secret: crm_token}`, and never holds it.

What the name stands for is known to whoever makes the call; whether there is such a name, to the checks.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from journeys.language.words import FORM, Key, Part, Url


class NamedSecret(Part):
    """What the installation keeps under this name stands here when the call is made."""

    secret: Key


def _form(value: Any) -> str:
    """Tell a text from a name, so that errors speak of the form that was used."""
    return FORM + ("secret" if isinstance(value, Mapping | NamedSecret) else "text")


_Named = Annotated[NamedSecret, Tag(FORM + "secret")]

SecretOrText = Annotated[Annotated[str, Tag(FORM + "text")] | _Named, Discriminator(_form)]
"""A text, or the name of a secret."""

SecretOrUrl = Annotated[Annotated[Url, Tag(FORM + "text")] | _Named, Discriminator(_form)]
"""A web address, or the name of a secret that is one."""
