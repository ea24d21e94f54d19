"""What one template changes of another: each part, in each language, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.pages.templates.written_texts import WrittenTexts
from journeys.changes.text_diff import lines_diff

PARTS = ("subject", "preheader", "html", "text")
"""What a template has in each language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPart:
    """A part of a template in one language (empty: for everybody else), line by line."""

    tag: str
    part: str
    text: str


def changes(before: Sequence[WrittenTexts], after: Sequence[WrittenTexts], names: tuple[str, str]) -> list[ChangedPart]:
    """The parts that differ; a text part that is made of the HTML on one side alone is none."""
    old, new = ({one.tag: one for one in side if one.tag == "" or not one.blank} for side in (before, after))
    found = [
        ChangedPart(tag=tag, part=part, text=lines_diff(theirs, mine, names))
        for tag in sorted({*old, *new})
        for part in PARTS
        for theirs, mine in [(getattr(old.get(tag), part, ""), getattr(new.get(tag), part, ""))]
        if not (part == "text" and tag in old and tag in new and not mine)
    ]
    return [one for one in found if one.text]
