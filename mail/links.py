"""Signed links: what a recipient can do without a login. One salt per purpose, so that no token serves another."""

from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """What an unsubscribe link stands for."""

    customer: str
    topic: str
    send_id: str


class BadLink(ValueError):
    """A token that we did not sign, or that was cut or changed."""


class Links:
    """Makes and reads the links of mails."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._unsubscribe = URLSafeSerializer(secret, salt="waypost.unsubscribe")
        self.public_url = public_url.rstrip("/")

    def unsubscribe_url(self, what: Unsubscribe) -> str:
        token: Any = self._unsubscribe.dumps([what.customer, what.topic, what.send_id])
        return f"{self.public_url}/u/{token}"

    def read_unsubscribe(self, token: str) -> Unsubscribe:
        try:
            loaded: Any = self._unsubscribe.loads(token)
        except BadSignature:
            raise BadLink("the link is damaged or was not made here") from None
        customer, topic, send_id = loaded
        return Unsubscribe(customer=customer, topic=topic, send_id=send_id)
