"""A mail as a page shows it: in a frame, from an address of its own, which runs nothing and loads nothing."""

import re
from html import escape

from fastapi.responses import HTMLResponse

from api.pages.frame.frame import PRIVATE
from mail import signed_links

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""A mail has its style in itself. It runs no script, posts nothing, and loads no picture: nobody learns that it was
looked at here."""

FOLLOWED = POLICY.replace("sandbox;", "sandbox allow-popups allow-popups-to-escape-sandbox;").replace(
    "base-uri 'none'", "base-uri 'self'"
)
"""The same for a mail that is nobody's else: its links open, each in a tab of its own."""

_LOADS = re.compile(r"(<img\b[^<>]*?\s)src(\s*=)(?!\s*[\"']?data:)", re.IGNORECASE)
"""Where a picture would be loaded; the policy would refuse it, and say so in the browser's console."""

_ASKED = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
"""What a mail asks of the program that shows it."""

_ALWAYS, _NEVER = "(min-width: 0px)", "(max-width: 0px)"


def framed(html: str, *, dark: bool | None = None) -> HTMLResponse:
    """The HTML of a mail with its signed links made useless.

    `dark` shows it as a program in the dark does (True) or in the light; None as the reader's own would.
    """
    shown = _LOADS.sub(r"\1data-src\2", signed_links.blanked(html))
    if dark is not None:
        shown = _ASKED.sub(lambda asked: _ALWAYS if (asked[1].lower() == "dark") is dark else _NEVER, shown)
    return HTMLResponse(shown, headers={"Content-Security-Policy": POLICY, **PRIVATE})


def followed(html: str) -> HTMLResponse:
    """The HTML of a mail that was caught here, with its links as they are, for whoever tries what they do."""
    shown = '<base target="_blank">' + _LOADS.sub(r"\1data-src\2", html)
    return HTMLResponse(shown, headers={"Content-Security-Policy": FOLLOWED, **PRIVATE})


def told(sentence: str) -> HTMLResponse:
    """A sentence in place of the mail: why there is none."""
    style = "font:14px/1.5 system-ui,sans-serif;color:#5b6270;background:#fff;padding:16px"
    return framed(f'<!doctype html><meta charset="utf-8"><body style="{style}"><p>{escape(sentence)}</p>')


def plain(text: str) -> HTMLResponse:
    """The plain-text part, as a program shows it."""
    style = "font:13px/1.55 ui-monospace,Menlo,Consolas,monospace;color:#1d2433;background:#fff;padding:16px"
    shown = (
        f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere;margin:0">{escape(signed_links.blanked(text))}</pre>'
    )
    return framed(f'<!doctype html><meta charset="utf-8"><body style="{style}">{shown}')
