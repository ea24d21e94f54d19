"""`{{ survey("nps") }}`: every answer of a scale as a link, in the HTML part and in the plain one.

Templates are rendered where no secret is known, so that a link stands here under a host that there is not (RFC 2606),
and is signed afterwards (`mail.composing`).
"""

import re
from collections.abc import Callable

from markupsafe import Markup

from readers import survey_scales
from readers.keys import CHARACTERS
from readers.survey_scales import Scale

_LINK = re.compile(rf"https://survey\.invalid/({CHARACTERS})/(-?\d{{1,9}})/(-?\d{{1,9}})/(-?\d{{1,9}})")
_CELL = (
    "display:inline-block;min-width:1.4em;padding:8px 6px;border:1px solid #c9ced6;border-radius:4px;"
    "text-align:center;text-decoration:none"
)


def as_html(survey: str, lowest: int | None = None, highest: int | None = None) -> Markup:
    """The answers beside each other; raise ValueError where there is no such scale."""
    scale = survey_scales.scale(survey, lowest, highest)
    cells = (
        f'<td style="padding:2px"><a href="{_named(scale, one)}" style="{_CELL}">{one}</a></td>' for one in scale.scores
    )
    return Markup(f'<table role="presentation"><tr>{"".join(cells)}</tr></table>')


def as_text(survey: str, lowest: int | None = None, highest: int | None = None) -> str:
    """The answers below each other; raise ValueError where there is no such scale."""
    scale = survey_scales.scale(survey, lowest, highest)
    return "\n".join(f"{one}: {_named(scale, one)}" for one in scale.scores)


def signed(text: str, sign: Callable[[Scale, int], str]) -> str:
    """The text with every answer's link as `sign(scale, score)` gives it."""

    def link(found: re.Match[str]) -> str:
        lowest, highest, score = (int(part) for part in found.groups()[1:])
        return sign(Scale(survey=found[1], lowest=lowest, highest=highest), score)

    return _LINK.sub(link, text)


def _named(scale: Scale, score: int) -> str:
    return f"https://survey.invalid/{scale.survey}/{scale.lowest}/{scale.highest}/{score}"
