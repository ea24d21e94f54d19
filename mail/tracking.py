"""Links of a rendered mail: UTM parameters added, clicks led by way of us, an open counted by a pixel.

Runs on what the CSS inliner wrote, where every attribute stands in double quotes. A link with `data-track="no"` stays
as it is, and so do those that are ours already and those that lead to no web page. What such a link holds and how it is
signed stands in `mail.signed_links`; what an open or a click means, in `services.feedback.returns.opens_and_clicks`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from mail.html_tags import Tag, rewritten

LINKS = frozenset({"a", "area", "v:oval", "v:rect", "v:roundrect", "v:shape"})
"""Elements that lead somewhere: links, areas of a picture, and the buttons that are drawn for Outlook (VML)."""

_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_END = re.compile(r"</body\s*>", re.IGNORECASE)


class TrackingOptions(Protocol):
    """What is followed of a mail, and the UTM parameters that its links get (None: none)."""

    @property
    def opens(self) -> bool: ...
    @property
    def clicks(self) -> bool: ...
    @property
    def utm(self) -> Mapping[str, str] | None: ...


def tracked(
    html: str, how: TrackingOptions, ours: tuple[str, ...], click_url: Callable[[int], str], pixel: Callable[[], str]
) -> tuple[str, Sequence[str]]:
    """The mail with its links led by way of `click_url(number)`, and where each number (from 0) leads.

    `ours` is how links begin that are signed already; `pixel` is asked for where opens are followed.
    """
    numbers: dict[str, int] = {}

    def lead(tag: Tag) -> str:
        url = (tag.attribute("href") or "").strip()
        if not url.lower().startswith(("http://", "https://")) or url.startswith(ours):
            return tag.text
        if tag.attribute("data-track") == "no":
            return tag.text
        url = with_utm(url, how.utm) if how.utm else url
        if how.clicks:
            url = click_url(numbers.setdefault(url, len(numbers)))
        return tag.with_attribute("href", url)

    if how.clicks or how.utm:
        html = rewritten(html, LINKS, lead)
    if how.opens:
        image = f'<img src="{pixel()}" width="1" height="1" alt="" style="border:0">'
        html = before_the_end(html, image)
    return html, tuple(numbers)


def with_utm_in_text(text: str, utm: Mapping[str, str], ours: tuple[str, ...]) -> str:
    """The plain-text part, its links with the same UTM parameters."""
    return _URL.sub(lambda found: found[0] if found[0].startswith(ours) else with_utm(found[0], utm), text)


def with_utm(url: str, utm: Mapping[str, str]) -> str:
    """The address with these parameters; what it has of them already stays."""
    return _with_utm(url, tuple(utm.items()))


@lru_cache(maxsize=4096)
def _with_utm(url: str, utm: tuple[tuple[str, str], ...]) -> str:
    parts = urlsplit(url)
    known = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    more = urlencode([(name, value) for name, value in utm if name not in known])
    query = "&".join(one for one in (parts.query, more) if one)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def before_the_end(html: str, more: str) -> str:
    """HTML with something more at the end of its body."""
    ends = list(_END.finditer(html))
    end = ends[-1].start() if ends else len(html)
    return html[:end] + more + html[end:]
