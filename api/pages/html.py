"""Pages from `templates/pages`."""

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from api.deps.backend import Backend
from services.definitions import topics

FOLDER = Path(__file__).parent.parent.parent / "templates" / "pages"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""Pages name customers or open by a token: nobody keeps them, tells where one came from, or finds them."""

_pages = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def page(name: str, status: int = 200, policy: str = POLICY, **context: Any) -> HTMLResponse:
    """A page that loads nothing from anywhere else."""
    html = _pages.get_template(name).render(**context)
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, **PRIVATE})


def spoken(parts: Backend, topic: str) -> str:
    """What customers read as the name of a topic."""
    with parts.database.reading() as session:
        return topics.label(session, topic)


def damaged() -> HTMLResponse:
    """What a link leads to that we did not sign, or that leads nowhere any more."""
    return page("damaged.html", status=404)


def expired(brand: str) -> HTMLResponse:
    """What a link leads to that was good once."""
    return page("expired.html", status=410, brand=brand)
