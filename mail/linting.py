"""What is wrong with a rendered mail, as people would tell each other."""

import html as markup
from collections.abc import Iterator
from urllib.parse import urlsplit

from mail.html_tags import tags
from mail.tracking import LINKS

CLIPPED = 102_000
"""Bytes of HTML after which Gmail clips a mail, and with it the link to unsubscribe."""

LONGEST_SUBJECT = 150
"""Characters; an inbox shows about 60, and spam filters look twice at what is much longer."""

SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})
"""Schemes of links that mail programs open."""


def warnings(subject: str, html: str, unsubscribe_url: str | None, address: str) -> list[str]:
    """A sentence for each finding, none where all is well; without `unsubscribe_url` the mail needs no way out."""
    return list(_found(subject, html, unsubscribe_url, address))


def _found(subject: str, html: str, unsubscribe_url: str | None, address: str) -> Iterator[str]:
    if len(subject) > LONGEST_SUBJECT:
        yield f"the subject has {len(subject)} characters; an inbox shows about 60"
    found = list(tags(html, LINKS | {"img"}))
    if any(tag.attribute("alt") is None for tag in found if tag.name == "img"):
        yield "an <img> has no alt text"
    if len(html.encode()) > CLIPPED:
        yield f"the HTML has {len(html.encode()):,} bytes; Gmail clips what is larger than {CLIPPED:,}"
    if unsubscribe_url is not None and unsubscribe_url not in html:
        yield "there is no link to unsubscribe: {{ unsubscribe_url }}; mail that needs one gets it at its foot"
    if unsubscribe_url is not None and address not in markup.unescape(html):
        yield "the postal address is missing: {{ brand.address }}; mail that needs it gets it at its foot"
    hrefs = (tag.attribute("href") for tag in found if tag.name in LINKS)
    links = [href.strip() for href in hrefs if href is not None]
    empty = [href for href in links if href in ("", "#")]
    if empty:
        yield f"{len(empty)} link(s) lead nowhere"
    for href in dict.fromkeys(links):
        wrong = _wrong_with(href)
        if wrong:
            yield f"the link {href[:80]!r} is broken: {wrong}"


def _wrong_with(href: str) -> str | None:
    if href == "" or href.startswith("#"):
        return None
    try:
        parts = urlsplit(href)
        host = parts.hostname
    except ValueError:
        return "it is no web address"
    if "{{" in href or "{%" in href or "%7B%7B" in href:
        return "something of the template was left in it"
    if not parts.scheme:
        return "a mail knows no relative addresses; begin with https://"
    if parts.scheme not in SCHEMES:
        return f"mail programs do not open {parts.scheme}:"
    if any(sign.isspace() for sign in href):
        return "it contains a space; write %20"
    if parts.scheme in ("http", "https") and not host:
        return "the name of the site is missing"
    return None
