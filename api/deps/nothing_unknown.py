"""Calls say nothing that nobody reads: a parameter that is misspelt would otherwise change nothing, in silence.

Fields of bodies are checked by their shapes (`extra="forbid"`); here are the parameters, and bodies where none is read.
"""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from journeys.language.problems import nearest
from services.errors import InvalidInput

EMPTY = (b"", b"{}", b"null")
"""Bodies that say nothing."""


async def refuse_unknown(request: Request) -> None:
    """Raise InvalidInput where the query names what the route does not read, or a body comes that nobody reads."""
    route: APIRoute = request.scope["route"]
    if request.query_params:
        known = list(_parameters(route.dependant))
        for name in request.query_params:
            if name not in known:
                raise InvalidInput(f"there is no such parameter here; {nearest(name, known)}", name[:100])
    changes = request.method in ("POST", "DELETE")
    if changes and not _reads_a_body(route) and (await request.body()).strip() not in EMPTY:
        raise InvalidInput("this call reads no body", "body")


def _parameters(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _reads_a_body(route: APIRoute) -> bool:
    return route.body_field is not None or "requestBody" in (route.openapi_extra or {})
