"""A picture as a page loads it: with its style in itself, and loading nothing."""

from fastapi.responses import Response

from api.pages.frame.frame import PRIVATE

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a picture may do: look as it does."""


def picture(drawn: str) -> Response:
    """The answer that holds it."""
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY, **PRIVATE})
