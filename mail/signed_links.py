"""Signed links: what a recipient can do without a login. One salt per purpose, so that no token serves another.

A secret can be changed: what the former ones signed stays good while they are named. A link to unsubscribe never
expires; one that shows or asks more does. A click link holds no address: it names a link of a mail in the ledger.
"""

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from itsdangerous import BadSignature, Signer, URLSafeSerializer

from readers.hand_over_answers import HandOverAnswer
from readers.survey_scales import Scale

PURPOSES = ("u", "preferences", "confirm", "c", "o", "s", "hand-over", "sign-in")
"""The first part of each path, as `api.pages` serves it: unsubscribe, preferences, confirm, click, open, survey,
a colleague's answer to a note, and the link that signs a colleague in."""

PREFERENCES_LIVE = timedelta(days=90)
"""The page shows what somebody reads; an old mail that is passed on shall not show it for ever."""

CONFIRMATION_LIVES = timedelta(days=7)
"""A yes that comes later than that is no answer to the question any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """What an unsubscribe link stands for."""

    customer: str
    topic: str
    send_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a link to the preference page stands for."""

    customer: str
    send_id: str
    expires: datetime


SURVEY_LIVES = timedelta(days=90)
"""An answer that comes later is about something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyLink:
    """One answer to the survey of a mail."""

    send_id: str
    scale: Scale
    score: int
    expires: datetime


HAND_OVER_LIVES = timedelta(days=90)
"""A colleague who answers later than that speaks of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverLink:
    """One answer to a note, by the id of its hook."""

    note: str
    answer: HandOverAnswer
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A customer's "yes, write to me about this", to be given by whoever reads the inbox."""

    customer: str
    topic: str
    send_id: str
    expires: datetime


class BadLink(ValueError):
    """A token that we did not sign, or that was cut or changed."""


class ExpiredLink(BadLink):
    """A token that was good once."""


_SIGNED = re.compile(rf"(/(?:{'|'.join(PURPOSES)})/)[\w.-]*\.[\w-]{{20,}}(?:\.gif)?")
"""A link of ours whatever the host was called when it was made: a purpose, and a token that ends in a signature."""


def blanked(text: str) -> str:
    """The text with every signed link made useless, and still to be seen as what it is."""
    return _SIGNED.sub(r"\1hidden", text)


class Links:
    """Makes and reads the links of mails. `previous` are former secrets, whose links still open.

    `desk_url` is where colleagues open the pages, if not at `public_url`.
    """

    def __init__(self, secret: str, public_url: str, previous: Sequence[str] = (), desk_url: str | None = None) -> None:
        keys = [*reversed(previous), secret]  # the last one signs
        self._unsubscribe = _serializer(keys, "unsubscribe")
        self._preferences = _serializer(keys, "preferences")
        self._confirm = _serializer(keys, "confirm")
        self._survey = _serializer(keys, "survey")
        self._hand_over = _serializer(keys, "hand-over")
        self._click = _signer(keys, "click")
        self._open = _signer(keys, "open")
        self._sign_in = _signer(keys, "sign-in")
        self.public_url = public_url.rstrip("/")
        self.desk_url = (desk_url or public_url).rstrip("/")
        self.beginnings = tuple(f"{self.public_url}/{purpose}/" for purpose in PURPOSES)
        """How each link that is made here begins; the same site may have others."""

    def unsubscribe_url(self, what: Unsubscribe) -> str:
        """It never expires: a mailbox provider may call it years later (RFC 8058)."""
        return f"{self.public_url}/u/{_text(self._unsubscribe.dumps([what.customer, what.topic, what.send_id]))}"

    def preferences_url(self, what: Preferences) -> str:
        """Good until `what.expires`, kept to the second."""
        parts = [what.customer, what.send_id, int(what.expires.timestamp())]
        return f"{self.public_url}/preferences/{_text(self._preferences.dumps(parts))}"

    def confirm_url(self, what: Confirmation) -> str:
        """Good until `what.expires`, kept to the second."""
        parts = [what.customer, what.topic, what.send_id, int(what.expires.timestamp())]
        return f"{self.public_url}/confirm/{_text(self._confirm.dumps(parts))}"

    def survey_url(self, what: SurveyLink) -> str:
        """Good until `what.expires`, kept to the second."""
        scale = what.scale
        parts = [_short(what.send_id), scale.survey, scale.lowest, scale.highest, what.score]
        token = self._survey.dumps([*parts, int(what.expires.timestamp())])
        return f"{self.public_url}/s/{_text(token)}"

    def hand_over_url(self, what: HandOverLink) -> str:
        """Good until `what.expires`, kept to the second."""
        token = self._hand_over.dumps([what.note, what.answer, int(what.expires.timestamp())])
        return f"{self.public_url}/hand-over/{_text(token)}"

    def click_url(self, send_id: str, number: int) -> str:
        """The way to link `number` of a mail, counted from 0. It holds no address, so it redirects nobody elsewhere."""
        return f"{self.public_url}/c/{self._click.sign(f'{_short(send_id)}.{number}').decode()}"

    def open_url(self, send_id: str) -> str:
        """The picture whose loading counts as an open."""
        return f"{self.public_url}/o/{self._open.sign(_short(send_id)).decode()}.gif"

    def sign_in_url(self, link: str, desk_url: str | None = None) -> str:
        """What signs a colleague in, by the id of the link; at `desk_url`, where it is not the usual one."""
        return f"{desk_url or self.desk_url}/sign-in/{self._sign_in.sign(link).decode()}"

    def read_sign_in(self, token: str) -> str:
        """The id of the link that signs somebody in; raise BadLink."""
        return _unsigned(self._sign_in, token)

    def read_unsubscribe(self, token: str) -> Unsubscribe:
        """What the token of an unsubscribe link stands for; raise BadLink."""
        customer, topic, send_id = _loaded(self._unsubscribe, token)
        return Unsubscribe(customer=customer, topic=topic, send_id=send_id)

    def read_preferences(self, token: str, now: datetime) -> Preferences:
        """What the token of a preference page stands for; raise BadLink, or ExpiredLink."""
        customer, send_id, expires = _loaded(self._preferences, token)
        return Preferences(customer=customer, send_id=send_id, expires=_live(expires, now))

    def read_confirm(self, token: str, now: datetime) -> Confirmation:
        """What the token of a confirmation stands for; raise BadLink, or ExpiredLink."""
        customer, topic, send_id, expires = _loaded(self._confirm, token)
        return Confirmation(customer=customer, topic=topic, send_id=send_id, expires=_live(expires, now))

    def read_survey(self, token: str, now: datetime) -> SurveyLink:
        """What the token of an answer stands for; raise BadLink, or ExpiredLink."""
        short, survey, lowest, highest, score, expires = _loaded(self._survey, token)
        scale = Scale(survey=survey, lowest=lowest, highest=highest)
        return SurveyLink(send_id=_long(short), scale=scale, score=score, expires=_live(expires, now))

    def read_hand_over(self, token: str, now: datetime) -> HandOverLink:
        """What the token of an answer to a note stands for; raise BadLink, or ExpiredLink."""
        note, answer, expires = _loaded(self._hand_over, token)
        return HandOverLink(note=note, answer=HandOverAnswer(answer), expires=_live(expires, now))

    def read_click(self, token: str) -> tuple[str, int]:
        """The mail and the number of its link; raise BadLink."""
        send_id, _, number = _unsigned(self._click, token).partition(".")
        return _long(send_id), int(number)

    def read_open(self, token: str) -> str:
        """The mail that was opened; raise BadLink."""
        return _long(_unsigned(self._open, token.removesuffix(".gif")))


def _serializer(keys: Sequence[str], purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(keys, salt=f"waypost.{purpose}", signer_kwargs={"digest_method": hashlib.sha256})


def _signer(keys: Sequence[str], purpose: str) -> Signer:
    return Signer(keys, salt=f"waypost.{purpose}", digest_method=hashlib.sha256)


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode()


def _loaded(serializer: URLSafeSerializer, token: str) -> Any:
    try:
        return serializer.loads(token)
    except (BadSignature, UnicodeError):
        raise BadLink("the link is damaged or was not made here") from None


def _unsigned(signer: Signer, token: str) -> str:
    try:
        return signer.unsign(token).decode()
    except (BadSignature, UnicodeError):
        raise BadLink("the link is damaged or was not made here") from None


def _live(expires: int, now: datetime) -> datetime:
    at = datetime.fromtimestamp(expires, UTC)
    if now > at:
        raise ExpiredLink("the link has expired")
    return at


@lru_cache(maxsize=512)
def _short(send_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(send_id).bytes).decode().rstrip("=")


def _long(short: str) -> str:
    try:
        return str(uuid.UUID(bytes=base64.urlsafe_b64decode(short + "==")))
    except (ValueError, binascii.Error):
        raise BadLink("the link is damaged or was not made here") from None
