"""Where the texts of templates come from: stored ones first, then the installation's files, then those built in.

MJML is compiled when it is loaded, and a text part that nobody wrote is made of the HTML then: once per template, never
per mail.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import mrml
from jinja2 import BaseLoader, ChoiceLoader, DictLoader, Environment, FileSystemLoader, TemplateNotFound
from jinja2.exceptions import TemplateSyntaxError

from mail.rendering import plain_text
from mail.rendering.templates import BUILT_IN

Found = tuple[str, str | None, Callable[[], bool] | None]
"""As Jinja wants a template: its text, its file, and whether that is fresh still."""

_TEXT, _HTML = ".txt", ".html"


class Sources(BaseLoader):
    """Reads `NAME.html` and `NAME.txt`; templates kept in the store stand in `stored` under the same names."""

    def __init__(self, stored: Mapping[str, str], folders: Sequence[Path]) -> None:
        self._inner = ChoiceLoader([DictLoader(stored), FileSystemLoader([*folders, BUILT_IN])])

    def get_source(self, environment: Environment, template: str) -> Found:
        """As Jinja asks it: text, file, whether it is fresh; raise TemplateNotFound."""
        try:
            found = self._inner.get_source(environment, template)
        except TemplateNotFound:
            return self._made(environment, template)
        return (html_of(found[0], template), found[1], found[2]) if template.endswith(_HTML) else found

    def _made(self, environment: Environment, template: str) -> Found:
        """The text part that nobody wrote."""
        if not template.endswith(_TEXT):
            raise TemplateNotFound(template)
        html, _, fresh = self.get_source(environment, template.removesuffix(_TEXT) + _HTML)
        return plain_text.from_html(html), None, fresh


def html_of(source: str, name: str = "") -> str:
    """HTML as it is, and MJML compiled, which loads nothing; raise TemplateSyntaxError where it is wrong."""
    if not source.lstrip().startswith("<mjml"):
        return source
    try:
        return mrml.to_html(source).content
    except OSError as error:
        raise TemplateSyntaxError(f"MJML: {error}", 1, name) from None
