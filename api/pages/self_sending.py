"""Pages that send their form by themselves where somebody looks at them, so that one click answers.

A scanner that only fetches the page, or says that it is driven, sends nothing. One that runs scripts and hides this
can: a survey bears a vote too many; an answer that moves journeys waits until whoever looks has moved, too.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from api.pages.html import POLICY

_SEEN = 'document.visibilityState === "visible" && !navigator.webdriver'

SCRIPT = f"if ({_SEEN}) document.forms[0].submit();"
"""Sends the first form for whoever sees the page."""

MOVED_SCRIPT = (
    'const signs = ["pointermove", "pointerdown", "wheel", "keydown"], sends = (event) => {'
    f" if (!event.isTrusted || !({_SEEN})) return;"
    " for (const sign of signs) removeEventListener(sign, sends);"
    " document.forms[0].submit(); };"
    " for (const sign of signs) addEventListener(sign, sends);"
)
"""Sends it once the pointer, a finger or a key of whoever sees the page has moved."""


def _given(script: str) -> Mapping[str, Any]:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"policy": f"{POLICY}; script-src 'sha256-{digest}'", "script": script}


SENDS_ITSELF = _given(SCRIPT)
"""What such a page is given: no other script may run in it."""

SENDS_ITSELF_ONCE_MOVED = _given(MOVED_SCRIPT)
"""The same, for an answer of which much follows."""
