"""What our own pages, and the feet of mails, say in the recipient's language: gettext catalogues, read by Babel.

The words in the templates are English, and each other language is one file, `locales/de.po`. An installation puts its
own beside its templates (`.waypost/templates/locales/fr.po`): a language that is not here, or other words for one that
is. What a catalogue does not have is said in English. It must not know whose language it is, nor who asks.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from mail import catalogues

ENGLISH = "en"
"""The language that the templates are written in."""

CATALOGUES = Path(__file__).parent.parent / "templates" / "locales"
"""The catalogues that come with the product."""

Translate = Callable[[str], str]
"""Gives a text of ours in one language."""


class Translations:
    """Every language that our own words are there in; `folders` are of templates, the first that has a word wins."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = (CATALOGUES, *(one / "locales" for one in reversed(folders)))

    @cached_property
    def _words(self) -> Mapping[str, Mapping[str, str]]:
        """What each catalogue has; read when somebody first asks, since many a process never does.

        Raise DamagedCatalogue.
        """
        found: dict[str, dict[str, str]] = {}
        for folder in self._folders:
            for file in sorted(folder.glob("*.po")):
                found.setdefault(file.stem, {}).update(catalogues.read(file))
        return found

    def check(self) -> None:
        """Read the installation's own catalogues, if it has any; raise DamagedCatalogue where one cannot be used.

        Without any, nothing is read and nothing loaded.
        """
        if any(next(one.glob("*.po"), None) for one in self._folders[1:]):
            _ = self._words

    def best(self, wanted: Sequence[str]) -> str:
        """The first of these language tags (`de-AT`) whose language is there; English where none is."""
        for tag in wanted:
            parts = tag.split("-")
            for count in range(len(parts), 0, -1):
                if (known := "-".join(parts[:count])) in self._words or known == ENGLISH:
                    return known
        return ENGLISH

    def into(self, wanted: Sequence[str]) -> Translate:
        """What gives a text in the best of these languages."""
        words: Mapping[str, str] = self._words.get(self.best(wanted), {})
        return lambda text: words.get(text, text)


def direction(tag: str) -> str:
    """How the language is written, as HTML's `dir` has it: `ltr`, or `rtl` for Arabic, Hebrew and their like."""
    from babel import Locale, UnknownLocaleError  # 4 MB, for a process that may never need it

    try:
        return Locale.parse(tag, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "ltr"
