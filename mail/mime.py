"""A mail as bytes: multipart/alternative, text first (RFC 2046), quoted-printable.

Written by the older classes of the `email` package, which take a third of the time of the newer ones. Only an address
with letters beyond ASCII before its @ needs those: its header is UTF-8 itself (RFC 6532).
"""

from binascii import b2a_qp
from email.header import Header
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTPUTF8, compat32
from email.utils import format_datetime, formataddr
from typing import Any

from mail.addresses import on_the_wire
from mail.message import Mail

_LINES = compat32.clone(linesep="\r\n")


def as_bytes(mail: Mail) -> bytes:
    """The whole mail; raise ValueError where its address cannot be written."""
    to = on_the_wire(mail.to)
    if to.utf8:
        return _international(mail, to.text)
    message = MIMEMultipart("alternative")
    message["Subject"] = _encoded(mail.subject)
    message["From"] = formataddr((mail.sender.name, mail.sender.email))
    message["To"] = to.text
    for name, value in _others(mail).items():
        message[name] = _encoded(value)
    message.attach(_part("plain", mail.text))
    message.attach(_part("html", mail.html))
    return message.as_bytes(policy=_LINES)


def _part(subtype: str, text: str) -> MIMENonMultipart:
    """Quoted-printable by `binascii`, which is written in C."""
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.encode(), istext=True).decode("ascii"))
    return part


def _international(mail: Mail, to: str) -> bytes:
    message = EmailMessage(policy=SMTPUTF8)
    message["Subject"] = mail.subject
    message["From"] = formataddr((mail.sender.name, mail.sender.email))
    message["To"] = to
    for name, value in _others(mail).items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def _others(mail: Mail) -> dict[str, str]:
    reply_to = {"Reply-To": mail.reply_to} if mail.reply_to is not None else {}
    date = {"Date": format_datetime(mail.at)} if mail.at is not None else {}
    return {**reply_to, **date, **mail.headers}


def _encoded(value: str) -> Any:
    """ASCII stays as it is; anything else is written as RFC 2047 says."""
    return value if value.isascii() else Header(value, "utf-8")
