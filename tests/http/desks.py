"""Colleagues at their desks, whose browsers keep a session and send forms."""

import re

HERE = "http://127.0.0.1:8000"


def token(page: str) -> str:
    """What the forms of this page carry."""
    found = re.search(r'name="form_token" value="([0-9a-f]{32})"', page)
    assert found is not None
    return found[1]
