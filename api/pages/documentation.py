"""The API's documentation as a page. All that it loads comes from here: no other host learns who reads it."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from api.edge.own_pages import own_page
from api.pages.html import FOLDER, page

router = APIRouter(prefix="/docs", include_in_schema=False, dependencies=[Depends(own_page)])

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

A_DAY = {"Cache-Control": "public, max-age=86400"}
"""What the page loads changes with the installation alone."""


@cache
def files() -> Mapping[str, tuple[Path, str]]:
    """What the page loads, with its media type. Swagger UI lies in the package `fastapi-offline`, which is not run."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    swagger = Path(spec.origin).parent / "static"
    return {
        "swagger-ui.css": (swagger / "swagger-ui.css", "text/css"),
        "swagger-ui-bundle.js": (swagger / "swagger-ui-bundle.js", "text/javascript"),
        "start.js": (FOLDER / "documentation.js", "text/javascript"),
    }


@router.get("", response_class=HTMLResponse)
def documentation() -> HTMLResponse:
    """The page itself, which loads the rest."""
    return page("documentation.html", policy=POLICY)


@router.get("/{file}", response_class=FileResponse)
def file(file: str) -> FileResponse:
    """What the page loads."""
    found = files().get(file)
    if found is None:
        raise HTTPException(404, "the documentation has no such file")
    path, kind = found
    return FileResponse(path, media_type=kind, headers=A_DAY)
