"""Calls say nothing that nobody reads: a parameter that is misspelt would otherwise change nothing, in silence.

Fields of bodies are checked by their shapes (`extra="forbid"`); here are the parameters, and bodies where none is read.
"""

from collections import Counter
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from journeys.language.problems import nearest
from services.errors import InvalidInput

EMPTY = (b"", b"{}", b"null")
"""Bodies that say nothing."""


async def refuse_unknown(request: Request) -> None:
    """Raise InvalidInput where the query says what the route does not read, or a body comes that nobody reads."""
    route: APIRoute = request.scope["route"]
    if request.query_params:
        known = dict(_parameters(route.dependant))
        for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
            if name not in known:
                raise InvalidInput(f"there is no such parameter here; {nearest(name, [*known])}", name[:100])
            if count > 1 and not known[name]:
                raise InvalidInput(f"it is given {count} times, and one would be read", name[:100])
    changes = request.method in ("POST", "DELETE")
    if changes and not _reads_a_body(route) and (await request.body()).strip() not in EMPTY:
        raise InvalidInput("this call reads no body", "body")


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The parameters by name, and whether each may be given again for more."""
    yield from ((one.alias, "list[" in str(one.field_info.annotation)) for one in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _reads_a_body(route: APIRoute) -> bool:
    return route.body_field is not None or "requestBody" in (route.openapi_extra or {})
