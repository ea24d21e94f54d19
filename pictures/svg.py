"""The pencil: elements, text that fits, and one palette for light and dark."""

from collections.abc import Sequence
from html import escape
from typing import Any, Literal

Theme = Literal["light", "dark", "auto"]

FONT = "ui-sans-serif, system-ui, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

LIGHT = {
    "paper": "#fbfaf7", "box": "#ffffff", "line": "#cfc9bc", "ink": "#1d2433", "faint": "#6b7280", "edge": "#8a8577",
    "accent": "#0b6e4f", "here": "#c2410c", "soft": "#eef3ee",
}  # fmt: skip
DARK = {
    "paper": "#14171d", "box": "#1d222b", "line": "#3b4351", "ink": "#e8e6df", "faint": "#9aa3b2", "edge": "#8390a5",
    "accent": "#5cc49a", "here": "#fb923c", "soft": "#22302b",
}  # fmt: skip
SERIES = (
    "var(--accent)",
    "#3b82c4",
    "#d97706",
    "#8b5cf6",
    "#be3455",
    "#6b8e23",
    "#0891b2",
    "#a16207",
    "#7c8698",
    "#db2777",
)
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
) -> str:
    """A whole picture with its palette; `auto` follows the reader's preference, None leaves its style to a page.

    Its `name`, and what is `told` of it in words, are what a screen reader says. Within a page what it holds is read
    too, such as its links.
    """
    head = "" if theme is None else f"<style>{_palette(theme)}{TEXT}{style}</style>"
    background = tag("rect", width="100%", height="100%", fill="var(--paper)")
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
