"""The seam to a provider: one method that sends once, one that looks for evidence."""

from typing import Literal, Protocol

from mail.message import Mail, Outcome

Evidence = Literal["accepted", "absent", "unknowable"]


class MailSender(Protocol):
    """Hands a mail to a provider. It never retries, and never raises for what a provider can do."""

    name: str
    at_once: int
    """How many mails may be under way to the provider at a time."""

    async def send(self, mail: Mail) -> Outcome:
        """One attempt."""
        ...

    async def look_up(self, send_id: str) -> Evidence:
        """Whether the provider is known to have accepted this mail."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...
