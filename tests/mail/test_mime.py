"""A mail as bytes: whoever reads mail by the standards reads what was written, and nothing breaks out of its line."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest

from mail.message import Mail, Sender
from mail.mime import as_bytes

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Hello Ann",
    html="<p>Hello</p>",
    text="Hello\n",
)


def read(mail: Mail) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(as_bytes(mail), policy=policy.default))


def texts(mail: Mail) -> list[str]:
    """Text and HTML as they are read; the line end before a boundary is the boundary's (RFC 2046)."""
    parts = [cast(EmailMessage, part) for part in read(mail).iter_parts()]
    return [part.get_content().replace("\r\n", "\n").removesuffix("\n") for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "one = two\n.a line with a dot\n\nFrom nobody",
        "blank at the end \nand a tab\t\nand more " + "long " * 200,
        "Grüße 👋 " * 50,
        "--=_boundary--\n--\n",
        "",
    ],
)
def test_both_parts_are_read_as_they_were_written(text: str) -> None:
    assert texts(replace(MAIL, text=text, html=f"<p>{text}</p>")) == [text.removesuffix("\n"), f"<p>{text}</p>"]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_each_line_ends_as_on_the_wire(ends: str) -> None:
    written = as_bytes(replace(MAIL, text=f"one{ends}two{ends}", html=f"<p>{ends}</p>"))
    assert b"one\r\ntwo\r\n" in written
    assert written.count(b"\r") == written.count(b"\n") == written.count(b"\r\n")


@pytest.mark.parametrize("subject", ["Hello", "Grüße 👋 an alle", "seven words and a word more " * 6, "ü " * 90])
def test_a_subject_of_any_length_and_language_is_read_as_it_was_written(subject: str) -> None:
    mail = replace(MAIL, subject=subject.strip())
    assert read(mail)["Subject"] == subject.strip()
    assert max(len(line) for line in as_bytes(mail).partition(b"\r\n\r\n")[0].splitlines()) <= 78


@pytest.mark.parametrize(
    "subject", ["long" * 20 + " and more", "long" * 240, "=?utf-8?q?Hello?=", "all=?", "a  b " * 30]
)
def test_a_subject_of_long_or_strange_words_is_read_as_it_was_written(subject: str) -> None:
    mail = replace(MAIL, subject=subject.strip())
    assert read(mail)["Subject"] == subject.strip()
    lines = as_bytes(mail).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert b"Subject:" not in [line.strip() for line in lines], "its first line holds some of it"


@pytest.mark.parametrize("name", ["Shop\tof Ann", "Shop\x03", "Läden\r\nBcc: eve@example.com", 'Ann "of" Shop, Ltd.'])
def test_whatever_a_sender_is_called_the_address_is_read(name: str) -> None:
    mail = read(replace(MAIL, sender=Sender(name=name, email="shop@example.com")))
    assert [one.addr_spec for one in mail["From"].addresses] == ["shop@example.com"]
    assert mail["Bcc"] is None


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x1e", "\x00"])
def test_no_character_but_a_line_break_breaks_a_line(odd: str) -> None:
    mail = read(replace(MAIL, subject=f"Hello{odd}Bcc: eve@example.com"))
    assert mail["Bcc"] is None
    assert mail["To"] == "ann@example.com"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_a_long_address_of_a_list_stands_in_the_line_of_its_name() -> None:
    """Some who look for it read no further than the line (RFC 5322 allows 998 characters)."""
    url = "<https://mail.shop.example/u/" + "a" * 200 + ">"
    assert f"\r\nList-Unsubscribe: {url}\r\n".encode() in as_bytes(replace(MAIL, headers={"List-Unsubscribe": url}))
