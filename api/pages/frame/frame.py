"""A page in its frame: the layout, who is signed in, where else to go. Without a sign-in it is the layout alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.deps.backend import TheBackend
from api.deps.signed_in import SignedIn
from api.pages.frame import formats, static_files
from api.pages.html import FOLDER
from pictures.step_words import short_guard

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)
"""Nothing inline, nothing from elsewhere, and no text becomes script: `htmx` names the one policy of `app.js`."""

PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}
"""Pages name customers: nobody keeps or finds them. Our own pages are told where a form came from (`Origin`)."""


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One entry of the navigation, and the scopes of which one opens it."""

    name: str
    path: str
    scopes: tuple[str, ...]


NAVIGATION: Sequence[NavigationEntry] = (
    NavigationEntry("Home", "/", ("support", "marketer")),
    NavigationEntry("Customers", "/customers", ("support", "marketer")),
    NavigationEntry("Journeys", "/journeys", ("support", "marketer")),
    NavigationEntry("Templates", "/templates", ("support", "marketer")),
    NavigationEntry("Broadcasts", "/broadcasts", ("support", "marketer")),
    NavigationEntry("Users", "/users", ("admin",)),
)
"""Where to go, in this order."""

_FORM_TOKEN = Markup('<input type="hidden" name="form_token" value="{}">')

_pages = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
)
_pages.filters |= {
    "number": formats.number, "words": formats.words, "step": formats.step, "short": formats.short,
    "guard": short_guard, "as_json": formats.as_json, "pairs": formats.pairs, "initials": formats.initials,
    "path": lambda text: quote(str(text), safe=""),
}  # fmt: skip


class Frame:
    """Makes the pages that answer one request."""

    def __init__(self, request: Request, parts: TheBackend) -> None:
        self.request = request
        self.parts = parts

    @property
    def looks(self) -> SignedIn | None:
        """Whoever looks; None where nobody is signed in."""
        return getattr(self.request.state, "looks", None)

    @property
    def in_part(self) -> bool:
        """Whether htmx asks, which puts a part into a page that is there."""
        return self.request.headers.get("hx-request") == "true"

    def page(
        self, template: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> HTMLResponse:
        """A page by the name of its template."""
        html = _pages.get_template(template).render(**self._around(), **context)
        return HTMLResponse(html, status, {"Content-Security-Policy": POLICY, **PRIVATE, **(headers or {})})

    def _around(self) -> dict[str, Any]:
        looks, path = self.looks, self.request.url.path
        shown = formats.Formats(formats.zone_of(self.request), self.parts.clock())
        return {
            "form_token": lambda: _FORM_TOKEN.format(looks.form_token if looks is not None else ""),
            "static": static_files.url,
            "brand": self.parts.brand,
            "looks": looks,
            "path": path,
            "navigation": [one for one in NAVIGATION if looks is not None and looks.may(*one.scopes)],
            "here": lambda one: one.path == path or (one.path != "/" and path.startswith(one.path)),
            "outbox": self.parts.outbox,
            "zone": shown.zone.key,
            "when": shown.when,
            "ago": shown.ago,
            "local": shown.local,
            "now": shown.now,
        }


TheFrame = Annotated[Frame, Depends(Frame)]
