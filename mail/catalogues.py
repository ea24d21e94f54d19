"""One catalogue: the words of one language as a gettext file has them, or where it is damaged, by file and line.

Babel reads it. What Babel would pass over in silence, or what would fail only when a recipient opens a page, is found
here: another quote than the one that is missing, a name as `%(brand)s` that became another one. It must not know which
words there should be.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from readers import locales

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

_LINE = re.compile(r'(?:(?:msgid|msgid_plural|msgctxt|msgstr(?:\[\d\])?)\s*)?"(?:[^"\\]|\\.)*"')
"""A line that is no comment: a text in quotes, behind the word that says of what, or going on with the line before."""

_CHARSET = re.compile(rb"charset=([\w.:-]+)")

_NAMES = re.compile(r"%\((\w+)\)")


class DamagedCatalogue(ValueError):
    """A catalogue that cannot be used, as `fr.po:17: why`."""

    def __init__(self, file: Path, line: int | None, why: str) -> None:
        super().__init__(f"{file}:{line}: {why}" if line is not None else f"{file}: {why}")


def read(file: Path) -> Mapping[str, str]:
    """The words of a catalogue by the English ones; what is not translated, or fuzzy, is left out.

    Raise DamagedCatalogue.
    """
    if not re.match(locales.TAGS, file.stem):
        raise DamagedCatalogue(file, None, "a catalogue is named by its language: fr.po, pt-BR.po, zh-Hant.po")
    return dict(_words(file, _parsed(file, _lines(file))))


def _lines(file: Path) -> Sequence[str]:
    """Its lines as text, each of which can be one of a catalogue's."""
    raw = file.read_bytes()
    stated = _CHARSET.search(raw)
    charset = stated[1].decode() if stated else "utf-8"
    lines = list[str]()
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        try:
            lines.append(line.decode(charset).strip())
        except (UnicodeDecodeError, LookupError):
            raise DamagedCatalogue(file, number, f"this is no text in {charset}; keep the file as UTF-8") from None
        if lines[-1] and not lines[-1].startswith("#") and not _LINE.fullmatch(lines[-1]):
            raise DamagedCatalogue(file, number, 'write msgid or msgstr and a text in quotes, each " in it as \\"')
    return lines


def _parsed(file: Path, lines: Sequence[str]) -> "Catalog":
    from babel.messages.pofile import PoFileError, read_po

    try:
        return read_po(lines, abort_invalid=True)
    except PoFileError as error:
        told = str(error).rpartition(" on ")[0]
        raise DamagedCatalogue(file, error.lineno + 1, told) from None


def _words(file: Path, catalog: "Catalog") -> Iterator[tuple[str, str]]:
    for one in catalog:
        if not one.id or not one.string or one.fuzzy:
            continue
        english, other = str(one.id), str(one.string)
        names = set(_NAMES.findall(english))
        if names and not _fits(other, names):
            wanted = " and ".join(f"%({name})s" for name in sorted(names))
            raise DamagedCatalogue(file, one.lineno, f"keep {wanted} as it is, and write every other % as %%")
        yield english, other


def _fits(text: str, names: set[str]) -> bool:
    """Whether a text takes what these names stand for, each of them and no other."""
    try:
        _ = text % dict.fromkeys(names, "")
    except (KeyError, ValueError, TypeError):
        return False
    return set(_NAMES.findall(text)) == names
