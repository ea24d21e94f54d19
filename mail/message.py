"""One composed mail: what is frozen in the ledger and handed to a provider, as it stands.

It knows neither how it was made nor who carries it. A line break in what becomes a header makes no mail (ValueError),
here, so that no provider has to look for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a mail is from: display name and address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail, ready to go. `send_id` is the only thing of ours that a provider keeps in the clear.

    `urls` is where its tracked links lead, by number; `at` is when it was written, `locale` in which language, and
    `template_version` of which version of a template that is kept in the store (None: a file).
    """

    send_id: str
    to: str
    sender: Sender
    subject: str
    html: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    reply_to: str | None = None
    at: datetime | None = None
    urls: Sequence[str] = ()
    locale: str | None = None
    template_version: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where something that becomes a header holds a line break."""
        reply_to = {"reply_to": self.reply_to or ""}
        for name, value in {"subject": self.subject, "to": self.to, **reply_to, **self.headers}.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"{name} contains a line break")


def parse_sender(text: str) -> Sender:
    """Read `Name <address>`; raise ValueError where there is no address in it."""
    name, email = parseaddr(text)
    if "@" not in email:
        raise ValueError(f'{text!r} is no sender; write "Name <name@example.com>"')
    return Sender(name=name, email=email)
