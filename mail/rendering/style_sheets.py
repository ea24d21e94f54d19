"""CSS that looks like Jinja2: in `@media print{#menu{…}}` the `{#` begins a rule, and no comment.

Minified style sheets are full of it. No CSS has `#}`, so within a style sheet a `{#` that no `#}` follows is CSS, and
is kept; with one it is a comment of Jinja2's. Elsewhere the `{#` is a comment, and one without an end is an error.
"""

import re

_SHEET = re.compile(r"(<(mj-style|style)\b[^>]*>)(.*?)(</\2\s*>)", re.DOTALL | re.IGNORECASE)
_RULE = re.compile(r"\{#(?!(?:(?!\{#).)*?#\})", re.DOTALL)
_PRINTED = "{{ '{#' }}"


def kept(source: str) -> str:
    """The template, its style sheets written so that Jinja2 prints them as they are; lines stay where they are."""
    if "{#" not in source:
        return source
    return _SHEET.sub(lambda sheet: sheet[1] + _RULE.sub(_PRINTED, sheet[3]) + sheet[4], source)
