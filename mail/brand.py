"""Who writes, and what a template may name beside the customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mail.message import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What every mail shows of the sender."""

    name: str
    sender: Sender
    address: str

    def as_context(self) -> dict[str, str]:
        return {"name": self.name, "address": self.address}

    def message_id(self, send_id: str) -> str:
        return f"<{send_id}@{self.sender.email.rpartition('@')[2]}>"


def context(brand: Brand, about: Mapping[str, Any], unsubscribe_url: str | None, message_id: str) -> dict[str, Any]:
    """Everything a template may name: `about` holds the customer and the enrollment."""
    return {**about, "unsubscribe_url": unsubscribe_url, "brand": brand.as_context(), "message_id": message_id}
