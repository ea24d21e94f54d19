"""Pages and numbers that ask who is there: for a key as a bearer, or as the password of a browser's own sign-in.

`WAYPOST_OPEN_PAGES` names those that ask nobody.
"""

from base64 import b64decode

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from api.deps.backend import Backend, TheBackend
from api.deps.permission import authenticate, bearer
from store.tables.access import ApiKey


def key_shown(request: Request) -> str | None:
    """The text of the key that came: in the Authorization header, or as the password there (RFC 7617)."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        password = b64decode(value, validate=True).decode().partition(":")[2] if kind.lower() == "basic" else None
    except ValueError:
        return None
    return bearer(request) or password


def sign_in(parts: Backend, request: Request, *scopes: str, why: str) -> ApiKey:
    """The key, with one of these scopes, of whoever is let in; raise 401, which makes a browser ask for one."""
    text = key_shown(request)
    if text is None:
        realm = f"Waypost: any name, and a key with the scope {' or '.join(scopes)} as password"
        raise HTTPException(401, why, {"WWW-Authenticate": f'Basic realm="{realm}"'})
    return authenticate(parts, request, text, scopes)


async def colleague(request: Request, parts: TheBackend) -> None:
    """Let in who shows a key of support or of a marketer; everybody, where the setting opens this page."""
    if request.url.path not in parts.open_pages:
        why = "show a key with the scope support or marketer; or open this page by WAYPOST_OPEN_PAGES"
        await run_in_threadpool(sign_in, parts, request, "support", "marketer", why=why)
