"""A mail as bytes: multipart/alternative, text first (RFC 2046), quoted-printable.

Written by ourselves: the `email` package takes thirteen times as long, a fifth of what a broadcast by SMTP costs. It
still writes what is not plain: a header that has to be encoded or folded, and a mail to an address with letters beyond
ASCII before its @, whose header is UTF-8 itself (RFC 6532).
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Iterator
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime, formataddr
from functools import lru_cache

from mail.addresses import on_the_wire
from mail.message import Mail

_LINE = 78
"""Characters of a line of a header, where it can be folded (RFC 5322, 2.1.1)."""

_WORD = _LINE - len("Subject: ")
"""Characters of a word of a subject that stands in its first line."""

_LONGEST = 998
"""Characters of a line, in any case (the same)."""

_PART = (
    'Content-Type: text/{}; charset="utf-8"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
)
_TEXT, _HTML = _PART.format("plain").encode(), _PART.format("html").encode()

_BREAK = re.compile(rb"\r\n|\r|\n")


def as_bytes(mail: Mail) -> bytes:
    """The whole mail; raise ValueError where its address cannot be written."""
    to = on_the_wire(mail.to)
    if to.utf8:
        return _international(mail, to.text)
    boundary = f"=_{secrets.token_hex(16)}"  # "=_" is never in what is quoted-printable (RFC 2045, 6.7)
    headers = "".join(f"{name}: {value}\r\n" for name, value in _headers(mail, to.text))
    begun = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\nMIME-Version: 1.0\r\n{headers}'.encode(
        "ascii"
    )
    mark = b"\r\n--" + boundary.encode()
    return b"".join(
        (begun, mark, b"\r\n", _TEXT, _quoted(mail.text), mark, b"\r\n", _HTML, _quoted(mail.html), mark, b"--\r\n")
    )


def _headers(mail: Mail, to: str) -> Iterator[tuple[str, str]]:
    yield "Subject", _subject(mail.subject)
    yield "From", _from(mail.sender.name, mail.sender.email)
    yield "To", _written("To", to)
    for name, value in _others(mail).items():
        yield name, _written(name, value)


def _subject(text: str) -> str:
    """Encoded where a word fits into no line, which would leave the first one empty, or looks as if it was encoded."""
    plain = len(text) <= _WORD or max(map(len, text.split(" "))) <= _WORD
    if plain and "=?" not in text:
        return _written("Subject", text)
    return _encoded("Subject", text)


def _written(name: str, value: str) -> str:
    """As it is, where it is plain and its line is short or cannot be folded; else as RFC 2047 and 5322 say."""
    if not (value.isascii() and value.isprintable()):
        return _encoded(name, value)
    length = len(name) + 2 + len(value)
    if length <= _LINE or (length <= _LONGEST and " " not in value):
        return value
    return Header(value, header_name=name).encode(linesep="\r\n", maxlinelen=_LINE)


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")


@lru_cache(maxsize=64)
def _from(name: str, email: str) -> str:
    """The name is printable, so that the address beside it stays what it is."""
    shown = "".join(one if one.isprintable() else " " for one in name)
    return _written("From", formataddr((shown, email)))


def _quoted(text: str) -> bytes:
    """Quoted-printable by `binascii`, which is written in C; each line ends as on the wire."""
    lines = b2a_qp(text.encode(), istext=True)
    return _BREAK.sub(b"\r\n", lines) if b"\r" in lines else lines.replace(b"\n", b"\r\n")


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
