"""On what terms a mail was ordered: by a step of a journey, by a broadcast, or by the product itself.

Whoever orders a mail states them once; the policies decide by them, whatever stands behind the mail.
"""

from dataclasses import dataclass
from datetime import timedelta

from journeys.facts.calendar import Window
from journeys.language.words import Late

GENERAL = "general"
"""The topic of mail that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTerms:
    """What the sender asks for.

    A mail may go until `expires` after it was due (for ever where None), in the hours of `window` by the customer's
    clock, else by `timezone`. `late` says what becomes of it where it was due more than `policy.PUNCTUAL` ago.
    One that is not `mailable` comes from a stage that is not to be written to: it goes where it is transactional.
    """

    topic: str = GENERAL
    transactional: bool = False
    expires: timedelta | None = None
    late: Late = "send"
    window: Window | None = None
    timezone: str | None = None
    mailable: bool = True
