"""What is wrong with a rendered mail, as people would tell each other."""

import re
from collections.abc import Iterator

CLIPPED = 102_000
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*href=[\"']([^\"']*)", re.IGNORECASE)


def warnings(html: str, unsubscribe_url: str | None) -> list[str]:
    """A sentence for each finding."""
    return list(_found(html, unsubscribe_url))


def _found(html: str, unsubscribe_url: str | None) -> Iterator[str]:
    if any("alt=" not in image.lower() for image in _IMAGE.findall(html)):
        yield "an <img> has no alt text"
    if len(html.encode()) > CLIPPED:
        yield f"the HTML has {len(html.encode()):,} bytes; Gmail clips what is larger than {CLIPPED:,}"
    if unsubscribe_url is not None and unsubscribe_url not in html:
        yield "there is no link to unsubscribe: {{ unsubscribe_url }}"
    empty = [href for href in _LINK.findall(html) if href.strip() in ("", "#")]
    if empty:
        yield f"{len(empty)} link(s) lead nowhere"
