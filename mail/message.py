"""One mail, ready to go, and what can become of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a mail is from: display name and address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A rendered mail. `send_id` is the only thing of ours that a provider keeps in the clear.

    `urls` is where its tracked links lead, by number; `at` is when it was written, `locale` in which language.
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

    def __post_init__(self) -> None:
        reply_to = {"reply_to": self.reply_to or ""}
        for name, value in {"subject": self.subject, "to": self.to, **reply_to, **self.headers}.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"{name} contains a line break")


def parse_sender(text: str) -> Sender:
    """Read `Name <address>`."""
    name, email = parseaddr(text)
    if "@" not in email:
        raise ValueError(f'{text!r} is no sender; write "Name <name@example.com>"')
    return Sender(name=name, email=email)


# -- outcomes of one attempt -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took responsibility."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Certainly not sent; it may be tried again after `wait`, as may every other mail where `lane` says so.

    `unreachable`: nobody answered at all, which may be our fault or the network's.
    """

    reason: str = "provider_busy"
    wait: timedelta = timedelta(seconds=5)
    lane: bool = True
    unreachable: bool = False
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The provider will never take this mail."""

    reason: str = "rejected"
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconfigured:
    """The provider refused us, not the mail: the channel stops with an alarm."""

    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may or may not have gone. Nobody sends it again without evidence."""

    explanation: str = ""


Outcome = Accepted | NotSent | Refused | Misconfigured | Unknown
