"""A picture as a page loads it: with its style in itself, and loading nothing."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from api.pages.frame.frame import PRIVATE
from pictures import axes

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a picture may do: look as it does."""

NARROW = axes.NARROWEST
"""Pixels of a picture on a phone: drawn anew, since letters that shrink with it are not read."""

PictureWidth = Annotated[float, Query(ge=axes.NARROWEST, le=axes.WIDEST)]
"""Pixels, as a page asks for them."""


def picture(drawn: str) -> Response:
    """The answer that holds it."""
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY, **PRIVATE})
