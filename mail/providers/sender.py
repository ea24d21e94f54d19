"""The seam to a provider: one method that sends once, one that looks for evidence, and all that may come of them.

    Accepted        the provider took it                        the ledger: accepted
    NotSent         certainly not sent; later, perhaps          planned again
    MailRefused     never, this mail                            failed
    Misconfigured   not from us: a key, a login, a sender       planned again; the channel closes with an alarm
    MaybeSent       anything else                               unknown; evidence decides
    Withheld        who asked for it may not any more           planned again; it says nothing of the provider

Whoever is in doubt says MaybeSent: a mail that a person looks at is a nuisance, one that is sent twice a defect. No
outcome names an address, a secret or a text of the mail.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from mail.message import Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took responsibility; `provider_id` is its own name of the mail."""

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
class MailRefused:
    """The provider will never take this mail."""

    reason: str = "rejected"
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconfigured:
    """The provider refused us, not the mail: the channel stops with an alarm."""

    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaybeSent:
    """It may or may not have gone. Nobody sends it again without evidence."""

    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """It was not handed over, since the answer to MayGo was no. Certainly not sent by this attempt."""

    explanation: str = "another worker has taken over"


SendOutcome = Accepted | NotSent | MailRefused | Misconfigured | MaybeSent | Withheld
"""All that may come of one attempt."""

MayGo = Callable[[], Awaitable[bool]]
"""Asked by a sender right before the mail itself leaves, however long it took to come there: whether it still may."""


async def always() -> bool:
    """Nobody else can have taken it."""
    return True


Evidence = Literal["accepted", "absent", "unknowable"]
"""`absent` is said only where the provider's record is complete at that moment; a log that is late proves nothing."""


class MailSender(Protocol):
    """Hands a mail to a provider. It never retries, and never raises for what a provider can do."""

    name: str
    at_once: int
    """How many mails may be under way to the provider at a time."""
    longest: timedelta
    """How long after it began an attempt may still end in the mail's being sent, at most."""

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        """One attempt; Withheld where `may_go` says no right before the mail itself would leave."""
        ...

    async def look_up(self, send_id: str) -> Evidence:
        """Whether the provider is known to have accepted this mail."""
        ...

    async def close(self) -> None:
        """Give up connections; a second call does nothing."""
        ...
