"""The key of a thing that a page may make: as the API's calls bound it."""

from typing import Annotated

from fastapi import Path

from readers.keys import PATTERN

NewKey = Annotated[str, Path(pattern=PATTERN)]
"""In an address; anything else is no key, and nothing is made under it."""
