"""Pages that people open at their desks answer to our own names and to our own pages alone.

A browser on this machine can be led here by any web page: one whose name was made to point at this machine (DNS
rebinding) shows itself in `Host`, one that posts or fetches from elsewhere in `Origin`.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from api.deps.backend import TheBackend
from api.errors import ApiError

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d+)?")


def own_page(request: Request, parts: TheBackend) -> None:
    """Raise where the request names another host than ours, or comes from a page of somebody else."""
    host = request.headers.get("host", "").lower()
    named = _HOST.fullmatch(host)
    if named is None or not _ours(named[1], parts.hosts):
        raise ApiError("misdirected", f"these pages are not known as {host[:100]!r}; add the name to WAYPOST_HOSTS")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin.lower()).netloc != host:
        raise ApiError("forbidden", "the request comes from a page of somebody else")


def _ours(name: str, hosts: frozenset[str]) -> bool:
    """A name that was given, or an address: a page that was reached by its address cannot have been led here."""
    if name in hosts:
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def own_form(request: Request, parts: TheBackend) -> None:
    """The same, and raise where something is posted that names no page: every browser says where a form came from."""
    own_page(request, parts)
    if request.method != "GET" and request.headers.get("origin") is None:
        raise ApiError("forbidden", "what is posted here comes from a form of these pages, and says so by `Origin`")
