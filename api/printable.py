"""Refuses the character NUL in an address before anything looks at it: PostgreSQL keeps no text with it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem


class Printable:
    """Lets everything through but paths and queries with a NUL."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            answer = problem(
                422, "invalid-input", "Invalid input", "the address contains the character NUL", path="path"
            )
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)
