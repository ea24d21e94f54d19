"""What the reply codes of an SMTP server mean for a mail."""

from datetime import timedelta
from typing import Literal

from mail.providers.sender import MailRefused, NotSent, SendOutcome

LATER = timedelta(minutes=1)
"""Until a mail that got a 4xx is tried again; greylisting asks for some minutes, and gets them in as many attempts."""

ReplyClass = Literal["yes", "later", "no", "nothing"]


def what_it_says(code: int) -> ReplyClass:
    """What a reply code says (RFC 5321, 4.2.1); one that is cut off, or of another kind, says nothing."""
    if 200 <= code < 300:
        return "yes"
    if 400 <= code < 500:
        return "later"
    return "no" if 500 <= code < 600 else "nothing"


def refusal_of(code: int) -> SendOutcome:
    """What the server says of this mail; 421 is about all of them."""
    if what_it_says(code) == "later":
        return NotSent(wait=LATER, lane=code == 421)
    return MailRefused(explanation=f"the SMTP server answered {code}")
