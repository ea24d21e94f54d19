"""A form that is posted twice is done once: it carries a token, under which what it led to is kept and told again.

The same machinery keeps the answers of calls with an Idempotency-Key: sealed, for a day, committed with their work.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import Form
from sqlmodel import Session

from api.pages.frame.frame import Frame
from services.access import idempotency
from services.access.idempotency import Claim, Conflict, KeptAnswer
from store.ids import new_id

PATTERN = r"^(once_[0-9a-z]{24})?$"
"""A token; empty where whoever posts says none, and means it each time."""

Once = Annotated[str, Form(pattern=PATTERN)]
"""The field of a form."""


def token() -> str:
    """A new one, for a form that is shown."""
    return new_id("once")


def before(frame: Frame, session: Session, once: str, said: str) -> str | None:
    """What this very form led to, where it was posted before.

    `said` tells it from another form: raise Conflict where the token was another one's.
    """
    if not once:
        return None
    try:
        kept = idempotency.find(session, _claim(frame, once, said), _secret(frame), frame.parts.clock())
    except Conflict:
        raise Conflict("this form was sent before, and said something else then; open the page once more") from None
    return kept.body.decode() if kept is not None else None


def do(frame: Frame, session: Session, once: str, said: str, work: Callable[[], str]) -> str:
    """Do the work in this transaction, or tell what it led to when this very form was posted before.

    Of two at the same moment one is undone, and begins again behind the other. Raise as `before` does.
    """
    known = before(frame, session, once, said)
    if known is not None:
        return known
    led = work()
    if once:
        answer = KeptAnswer(status=200, headers={}, body=led.encode())
        idempotency.keep(session, _claim(frame, once, said), _secret(frame), answer, frame.parts.clock())
    return led


def _claim(frame: Frame, once: str, said: str) -> Claim:
    assert frame.looks is not None
    digest = hashlib.sha256(f"{frame.request.url.path}\0{said}".encode()).hexdigest()
    return Claim(caller=frame.looks.actor, key=once, fingerprint=digest)


def _secret(frame: Frame) -> str:
    assert frame.looks is not None
    return frame.looks.form_token
