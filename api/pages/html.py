"""Pages from `templates/pages`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from mail.translations import ENGLISH

FOLDER = Path(__file__).parent.parent.parent / "templates" / "pages"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""Pages name customers or open by a token: nobody keeps them, tells where one came from, or finds them."""

_pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def page(name: str, status: int = 200, policy: str = POLICY, **context: Any) -> HTMLResponse:
    """A page that loads nothing from anywhere else, in English unless the context says otherwise."""
    html = _pages.get_template(name).render(**{**_ENGLISH, **context})
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, **PRIVATE})


_ENGLISH: Mapping[str, Any] = {"language": ENGLISH, "direction": "ltr", "_": str}
