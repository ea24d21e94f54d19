"""`HEAD`, wherever `GET` answers: the same headers, and no body (RFC 9110, 9.3.2)."""

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ENDLESS = "/watch"
"""How the paths of streams end: their body is all there is to them."""


class Heads:
    """Asks the route for GET, where none answers HEAD itself, and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI asks it."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].endswith(ENDLESS):
            return await self._app(scope, receive, send)
        routes: list[BaseRoute] = scope["app"].state.routes
        if any(route.matches(scope)[0] == Match.FULL for route in routes):
            return await self._app(scope, receive, send)

        async def headers_alone(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, headers_alone)
