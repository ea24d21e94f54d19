"""Where the texts of templates come from: stored ones first, then the installation's files, then those built in.

MJML is compiled when it is loaded, and a text part that nobody wrote is made of the HTML then: once per template, never
per mail.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, DictLoader, Environment, FileSystemLoader, TemplateNotFound

from mail.rendering import mjml, plain_text, style_sheets
from mail.rendering.templates import BUILT_IN

Found = tuple[str, str | None, Callable[[], bool] | None]
"""As Jinja wants a template: its text, its file, and whether that is fresh still."""

_TEXT, _HTML = ".txt", ".html"

_BYTE_ORDER = "\ufeff"
"""What editors on Windows put first."""


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

    def names(self) -> frozenset[str]:
        """What a template may include or extend."""
        found = self._inner.list_templates()
        return frozenset(found) | {one.removesuffix(_HTML) + _TEXT for one in found if one.endswith(_HTML)}

    def _made(self, environment: Environment, template: str) -> Found:
        """The text part that nobody wrote."""
        if not template.endswith(_TEXT):
            raise TemplateNotFound(template)
        html, _, fresh = self.get_source(environment, template.removesuffix(_TEXT) + _HTML)
        return plain_text.from_html(html), None, fresh


def html_of(source: str, name: str = "") -> str:
    """What is compiled as a template: MJML as HTML, style sheets kept; raise TemplateSyntaxError where it is wrong."""
    return mjml.to_html(style_sheets.kept(source.removeprefix(_BYTE_ORDER)), name)
