"""Who writes, and what a template may name beside the customer. The only colours that are worked out stand here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from mail.message import Sender

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
"""How a colour is written: #0b6e4f."""

GREEN = "#0b6e4f"
"""The colour of whoever named none."""

NAMES = frozenset({"name", "address", "color", "on_color", "ink", "glow", "logo", "url"})
"""What a template finds in `brand`."""

_DARK, _LIGHT, _WHITE = "#1a1d21", "#f3f4f1", "#ffffff"
READABLE = 4.5
"""The least contrast of text with what is behind it (WCAG 2.2, 1.4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What every mail shows of the sender.

    `color` (as #0b6e4f) paints buttons and the name, `logo` is the https address of a picture that stands in the name's
    place, and `site` is where buttons lead: the domain of the sender, where nothing is said.
    """

    name: str
    sender: Sender
    address: str
    reply_to: str | None = None
    color: str = GREEN
    logo: str | None = None
    site: str | None = None

    def as_context(self) -> dict[str, str | None]:
        """The variable `brand` of a template.

        Of the colour there are shades for text: `on_color` on it, `ink` on a light page, `glow` on a dark one.
        """
        return {
            "name": self.name,
            "address": self.address,
            "color": self.color,
            "on_color": readable_on(self.color),
            "ink": shade(self.color, _LIGHT),
            "glow": shade(self.color, _DARK),
            "logo": self.logo,
            "url": (self.site or f"https://{self.domain}").rstrip("/"),
        }

    @property
    def domain(self) -> str:
        """The site of the sender's address."""
        return self.sender.email.rpartition("@")[2]

    @property
    def feedback_name(self) -> str:
        """The sender, as Gmail's feedback loop knows it: 5 to 15 characters that never change."""
        return self.domain.replace(".", "-")[:15].ljust(5, "-")

    def message_id(self, send_id: str) -> str:
        """The Message-ID of a mail: the same at each attempt, so that an inbox shows a repeat once."""
        return f"<{send_id}@{self.domain}>"


def contrast(one: str, other: str) -> float:
    """How well one colour reads on another, from 1 to 21 (WCAG 2.2); 4.5 is enough for text."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=64)
def readable_on(color: str) -> str:
    """Dark or white text, whichever reads better on a colour."""
    return max((_WHITE, _DARK), key=lambda text: contrast(text, color))


@lru_cache(maxsize=64)
def shade(color: str, page: str) -> str:
    """The colour, mixed with as much white or black as it takes to read on a page, in steps of a tenth."""
    end = 255 if contrast(_WHITE, page) > contrast("#000000", page) else 0
    shades = (
        "#" + "".join(f"{round(one + (end - one) * tenth / 10):02x}" for one in _channels(color)) for tenth in range(11)
    )
    return next(one for one in shades if contrast(one, page) >= READABLE)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    shares = (one / 255 for one in _channels(color))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def context(
    brand: Brand,
    about: Mapping[str, Any],
    unsubscribe_url: str | None,
    message_id: str,
    *,
    now: datetime,
    timezone: str | None = None,
    **more: str | None,
) -> dict[str, Any]:
    """Everything a template may name: `about` holds the customer and the enrollment, `more` further links."""
    return {
        "preferences_url": None,
        "confirm_url": None,
        "topic": None,
        **more,
        **about,
        "unsubscribe_url": unsubscribe_url,
        "brand": brand.as_context(),
        "message_id": message_id,
        "now": now.isoformat(),
        "timezone": timezone or "UTC",
        "locale": "en",
        "preheader": "",
    }
