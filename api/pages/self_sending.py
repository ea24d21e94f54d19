"""Pages that send their form by themselves where somebody looks at them, so that one click answers.

A scanner that only fetches the page, or that says it is driven, sends nothing.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from api.pages.html import POLICY

SCRIPT = 'if (document.visibilityState === "visible" && !navigator.webdriver) document.forms[0].submit();'
"""Sends the first form for whoever sees the page."""

_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()

SENDS_ITSELF: Mapping[str, Any] = {"policy": f"{POLICY}; script-src 'sha256-{_HASH}'", "script": SCRIPT}
"""What such a page is given: no other script may run in it."""
