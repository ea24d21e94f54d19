"""The texts of templates that are files, in every language, as their authors wrote them.

`welcome.html` holds the subject and the preheader as blocks; `welcome.txt` is its text part, where there is one, and
`welcome.de.html` is the same mail in German. The first folder that has a file wins, those built in come last.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mail.rendering import plain_text
from mail.rendering.sources import html_of
from mail.rendering.templates import BUILT_IN, FileTexts, block


def texts_of(folders: Sequence[Path], key: str) -> Mapping[str | None, FileTexts]:
    """The texts of a template by language tag, None for everybody else's; nothing where there is no such file."""
    found: dict[str | None, FileTexts] = {}
    for folder in (*folders, BUILT_IN):
        for file in sorted(folder.glob(f"{key}.html")) + sorted(folder.glob(f"{key}.*.html")):
            tag = file.stem.partition(".")[2] or None
            if tag not in found:
                found[tag] = _read(file)
    return found


def _read(file: Path) -> FileTexts:
    html = file.read_text(encoding="utf-8-sig", errors="replace")
    text = file.with_suffix(".txt")
    return FileTexts(
        subject=block(html, "subject") or "",
        preheader=block(html, "preheader") or "",
        html=html,
        text=text.read_text(encoding="utf-8-sig", errors="replace")
        if text.is_file()
        else plain_text.from_html(html_of(html)),
    )
