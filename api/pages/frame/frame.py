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
from journeys.program.step_ids import in_words
from pictures.step_words import short_guard
from value import money

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
    """One entry of the navigation, and the scopes of which one opens it.

    `within` are the pages of a section, shown as tabs on each of them, the one that the entry leads to among them.
    """

    name: str
    path: str
    scopes: tuple[str, ...]
    within: "tuple[NavigationEntry, ...]" = ()

    def is_at(self, path: str) -> bool:
        """Whether a page at this path belongs to it."""
        own = self.path == path or path.startswith(f"{self.path.rstrip('/')}/")
        return own and self.path != "/" or path == self.path or any(one.is_at(path) for one in self.within)


LOOKS = ("support", "marketer")
"""Whoever looks at customers and journeys looks at these, too."""

NAVIGATION: Sequence[NavigationEntry] = (
    NavigationEntry("Home", "/", LOOKS),
    NavigationEntry(
        "Customers", "/customers", LOOKS,
        (
            NavigationEntry("Customers", "/customers", LOOKS),
            NavigationEntry("Mails", "/messages", LOOKS),
            NavigationEntry("Events", "/events", LOOKS),
        ),
    ),
    NavigationEntry("Journeys", "/journeys", LOOKS, (NavigationEntry("Approvals", "/approvals", LOOKS),)),
    NavigationEntry("Templates", "/templates", LOOKS),
    NavigationEntry("Broadcasts", "/broadcasts", LOOKS),
    NavigationEntry("Segments", "/segments", LOOKS),
    NavigationEntry(
        "Topics", "/topics", LOOKS,
        (NavigationEntry("Topics", "/topics", LOOKS), NavigationEntry("Suppressions", "/suppressions", LOOKS)),
    ),
    NavigationEntry(
        "Operations", "/operations", LOOKS,
        (
            NavigationEntry("Operations", "/operations", LOOKS),
            NavigationEntry("Reconciliation", "/reconciliation", LOOKS),
            NavigationEntry("Webhooks and notes", "/hooks", LOOKS),
            NavigationEntry("On the way to Temporal", "/dispatches", LOOKS),
        ),
    ),
    NavigationEntry(
        "Settings", "/settings", LOOKS,
        (
            NavigationEntry("Settings", "/settings", LOOKS),
            NavigationEntry("Keys", "/keys", ("admin",)),
            NavigationEntry("Audit log", "/audit", ("admin",)),
        ),
    ),
    NavigationEntry("Users", "/users", ("admin",)),
)  # fmt: skip
"""Where to go, in this order."""

_FORM_TOKEN = Markup('<input type="hidden" name="form_token" value="{}">')

_pages = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
)
_FILTERS: dict[str, Any] = {
    "number": formats.number, "amount": money.told, "words": formats.words, "step": in_words, "short": formats.short,
    "guard": short_guard, "as_json": formats.as_json, "pairs": formats.pairs, "said": formats.said,
    "told": formats.told, "initials": formats.initials, "value": formats.value,
    "path": lambda text: quote(str(text), safe=""),
}  # fmt: skip
_pages.filters.update(_FILTERS)


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

    def _open(self, entries: Sequence[NavigationEntry]) -> Sequence[NavigationEntry]:
        """Those of the entries that whoever looks may open."""
        looks = self.looks
        return [one for one in entries if looks is not None and looks.may(*one.scopes)]

    def _around(self) -> dict[str, Any]:
        looks, path = self.looks, self.request.url.path
        shown = formats.Formats(formats.zone_of(self.request), self.parts.clock())
        return {
            "form_token": lambda: _FORM_TOKEN.format(looks.form_token if looks is not None else ""),
            "static": static_files.url,
            "brand": self.parts.brand,
            "looks": looks,
            "path": path,
            "navigation": self._open(NAVIGATION),
            "tabs_of_section": self._open([tab for one in NAVIGATION if one.is_at(path) for tab in one.within]),
            "outbox": self.parts.outbox,
            "zone": shown.zone.key,
            "when": shown.when,
            "ago": shown.ago,
            "local": shown.local,
            "now": shown.now,
        }


TheFrame = Annotated[Frame, Depends(Frame)]
