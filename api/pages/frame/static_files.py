"""Style and script of the pages, from `templates/pages/static`: by their digest, so that browsers keep them for good.

Each is packed once and kept in memory. The sheet for pictures is made of the style that they have elsewhere in
themselves: one that stands in a page may have none. `htmx.min.js` is htmx 4.0.1 (0BSD) as its npm package has it.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from api.pages.html import FOLDER
from pictures import map as maps
from pictures import svg

router = APIRouter(prefix="/static", include_in_schema=False)

KINDS: Mapping[str, str] = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Media types by how a name ends; a file of another kind is not served."""

FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
"""What is known by its digest never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file, as it is and packed."""

    digest: str
    media_type: str
    plain: bytes
    packed: bytes


@cache
def files() -> Mapping[str, StaticFile]:
    """Every file by its name."""
    kept = {path.name: path.read_bytes() for path in sorted((FOLDER / "static").iterdir()) if path.suffix in KINDS}
    made = {"pictures.css": f".drawn{{{svg.TEXT}{maps.STYLE}}}".encode()}
    return {name: _packed(name, plain) for name, plain in {**kept, **made}.items()}


def _packed(name: str, plain: bytes) -> StaticFile:
    digest, kind = hashlib.sha256(plain).hexdigest()[:16], KINDS[Path(name).suffix]
    return StaticFile(digest=digest, media_type=kind, plain=plain, packed=gzip.compress(plain, 9, mtime=0))


def url(name: str) -> str:
    """Where a page loads a file; KeyError where there is none of this name."""
    return f"/static/{files()[name].digest}/{name}"


@router.get("/{digest}/{name}", response_class=Response)
def static(digest: str, name: str, request: Request) -> Response:
    """One file; of a former installation's digest there is none."""
    found = files().get(name)
    if found is None or found.digest != digest:
        raise HTTPException(404, "there is no such file")
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media_type, headers={**FOR_GOOD, "Content-Encoding": "gzip"})
    return Response(found.plain, media_type=found.media_type, headers=FOR_GOOD)
