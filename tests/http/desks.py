"""Colleagues at their desks, whose browsers keep a session and send forms."""

import re
from html import unescape

HERE = "http://127.0.0.1:8000"


def token(page: str, name: str = "form_token") -> str:
    """What the forms of this page carry on: their token, or another hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])
