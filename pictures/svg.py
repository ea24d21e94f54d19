"""The pencil: elements, text that fits, and one palette for light and dark."""

from collections.abc import Sequence
from html import escape
from typing import Any, Literal

Theme = Literal["light", "dark", "auto"]

FONT = "ui-sans-serif, system-ui, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

LIGHT = {
    "paper": "#f7f6f3", "box": "#ffffff", "line": "#d8d4ca", "ink": "#1d2433", "faint": "#5b6270", "edge": "#8a8577",
    "accent": "#0b6e4f", "here": "#b4410e", "soft": "#eaf2ed", "flow": ".4",
    "s1": "#3b82c4", "s2": "#d97706", "s3": "#8b5cf6", "s4": "#be3455", "s5": "#6b8e23", "s6": "#0891b2",
    "s7": "#a16207", "s8": "#7c8698", "s9": "#db2777",
}  # fmt: skip
DARK = {
    "paper": "#12151a", "box": "#1a1f27", "line": "#3b4351", "ink": "#e8e6df", "faint": "#a0a8b6", "edge": "#8390a5",
    "accent": "#63c79f", "here": "#fb923c", "soft": "#1d2d27", "flow": ".55",
    "s1": "#6aa9e9", "s2": "#f0a13a", "s3": "#ab8bff", "s4": "#ec6f8b", "s5": "#a5c55a", "s6": "#43c0dd",
    "s7": "#d3a04a", "s8": "#a3acbd", "s9": "#f277b0",
}  # fmt: skip
"""The colours of `templates/pages/static/app.css`, so that a picture lies on a page as if it were of one piece."""

SERIES = ("var(--accent)", *(f"var(--s{number})" for number in range(1, 10)))
"""Ten colours that are told apart beside one another on both papers, the accent first; an eleventh begins anew."""

TEXT = f"text{{font-family:{FONT};fill:var(--ink)}}"
"""How every text of a picture looks."""


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in pixels; wide enough for any sans-serif."""
    return sum(0.9 if char in "mwMW@" else 0.35 if char in "iIl.,:;'| " else 0.62 for char in text) * size


def cut(text: str, size: float, width: float) -> str:
    """The text, shortened with … where it is wider than `width` pixels."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def tag(name: str, *inside: str, **attributes: Any) -> str:
    """One element; `class_` stands for class, and `_` for a hyphen."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{shown}>{''.join(inside)}</{name}>" if inside else f"<{name}{shown}/>"


def label(x: float, y: float, content: str, **attributes: Any) -> str:
    """A line of text that begins at this place, or has its middle there (`text_anchor`)."""
    return tag("text", escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What a pointer shows, and what a screen reader says."""
    return f"<title>{escape(content)}</title>"


def document(
    width: float,
    height: float,
    parts: Sequence[str],
    *,
    name: str,
    theme: Theme | None,
    style: str = "",
    told: str = "",
    ground: Literal["paper", "box"] = "box",
) -> str:
    """A whole picture with its palette; `auto` follows the reader's preference, None leaves its style to a page.

    Its `name`, and what is `told` of it in words, are what a screen reader says. Within a page what it holds is read
    too, such as its links. A chart lies on the `ground` of a card; what has boxes of its own lies on paper.
    """
    head = "" if theme is None else f"<style>{_palette(theme)}{TEXT}{style}</style>"
    background = tag("rect", width="100%", height="100%", fill=f"var(--{ground})")
    return tag(
        "svg",
        title(name),
        *([tag("desc", escape(told))] if told else []),
        head,
        background,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=width,
        height=height,
        role="img" if theme is not None else "group",
    )


def _palette(theme: Theme) -> str:
    light = _variables(LIGHT)
    if theme == "light":
        return f"svg{{{light}}}"
    if theme == "dark":
        return f"svg{{{_variables(DARK)}}}"
    return f"svg{{{light}}}@media (prefers-color-scheme: dark){{svg{{{_variables(DARK)}}}}}"


def _variables(palette: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def _number(value: Any) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
