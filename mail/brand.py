"""Who writes, and what a template may name beside the customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mail.message import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What every mail shows of the sender."""

    name: str
    sender: Sender
    address: str
    reply_to: str | None = None

    def as_context(self) -> dict[str, str]:
        return {"name": self.name, "address": self.address}

    @property
    def domain(self) -> str:
        return self.sender.email.rpartition("@")[2]

    @property
    def feedback_name(self) -> str:
        """The sender, as Gmail's feedback loop knows it: 5 to 15 characters that never change."""
        return self.domain.replace(".", "-")[:15].ljust(5, "-")

    def message_id(self, send_id: str) -> str:
        return f"<{send_id}@{self.domain}>"


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
