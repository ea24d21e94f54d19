"""What every sender keeps to. A new provider adds its other side to `tests/providers.py` and is done when this passes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mail.message import Mail, Sender
from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent
from tests.providers import SECRET, SENDERS, OtherSide, Received
from waypost.providers import PROVIDERS

pytestmark = pytest.mark.filterwarnings("ignore")  # aiosmtpd's own

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Grüße 👋",
    html="<p>Hello Ann\n.\nthere</p>",
    text="Hello Ann\n.\nthere\n",
    headers={
        "List-Unsubscribe": "<https://x/u/" + "t" * 300 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)
ARRIVED = Received(MAIL.to, MAIL.subject, MAIL.text.rstrip(), MAIL.html, MAIL.headers["List-Unsubscribe"])
ELSEWHERE = sorted(set(SENDERS) - {"outbox"})
"""Providers on the other side of a network; the outbox is always there, and refuses nothing."""

elsewhere = pytest.mark.parametrize("other", ELSEWHERE, indirect=True)


@pytest.fixture(params=sorted(SENDERS))
async def other(request: pytest.FixtureRequest) -> AsyncIterator[OtherSide]:
    async with SENDERS[request.param]() as made:
        yield made


def test_every_provider_that_is_registered_keeps_the_contract() -> None:
    assert set(SENDERS) == set(PROVIDERS)


# -- a mail ------------------------------------------------------------------------------------------------------------


async def test_an_accepted_mail_arrives_once_and_whole(other: OtherSide) -> None:
    outcome = await other.sender.send(MAIL)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id
    assert other.received() == [ARRIVED]


async def test_as_many_at_once_as_it_says_and_more(other: OtherSide) -> None:
    people = [f"u{number}@example.com" for number in range(other.sender.at_once + 10)]
    outcomes = await asyncio.gather(*(other.sender.send(replace(MAIL, to=one)) for one in people))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert sorted(one.to for one in other.received()) == sorted(people)


@pytest.mark.parametrize("to", ["jörg@bücher.example", "👋@example.com", "a" * 64 + "@example.com", "ann@例え.jp"])
async def test_any_address_of_the_world_gets_an_answer_and_never_an_exception(other: OtherSide, to: str) -> None:
    """Fault 22."""
    outcome = await other.sender.send(replace(MAIL, to=to))
    assert isinstance(outcome, Accepted | MailRefused)
    assert len(other.received()) == isinstance(outcome, Accepted)


async def test_a_mail_that_was_sent_is_never_said_to_be_absent(other: OtherSide) -> None:
    await other.sender.send(MAIL)
    assert await other.sender.look_up(MAIL.send_id) in ("accepted", "unknowable")
    assert await other.sender.look_up("00000000-0000-5000-8000-000000000000") in ("absent", "unknowable")


async def test_it_can_be_closed_twice(other: OtherSide) -> None:
    await other.sender.send(MAIL)
    await other.sender.close()
    await other.sender.close()


def test_it_has_the_name_under_which_it_is_registered(other: OtherSide) -> None:
    assert other.sender.name in PROVIDERS
    assert other.sender.at_once > 0


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@elsewhere
async def test_nobody_there_is_certainly_not_sent(other: OtherSide) -> None:
    assert other.nobody is not None
    outcome = await other.nobody().send(MAIL)
    assert isinstance(outcome, NotSent)
    assert outcome.unreachable


@elsewhere
async def test_one_that_is_busy_gets_the_mail_later_and_the_lane_rests(other: OtherSide) -> None:
    assert other.turn is not None
    other.turn("busy")
    outcome = await other.sender.send(MAIL)
    assert isinstance(outcome, NotSent)
    assert (outcome.unreachable, outcome.lane, outcome.wait > timedelta()) == (False, True, True)
    assert other.received() == []
    assert isinstance(await other.sender.send(MAIL), Accepted)


@elsewhere
async def test_a_refusal_is_about_this_mail_alone(other: OtherSide) -> None:
    assert other.turn is not None
    other.turn("refuses")
    assert isinstance(await other.sender.send(MAIL), MailRefused)
    assert isinstance(await other.sender.send(MAIL), Accepted)
    assert other.received() == [ARRIVED]


@elsewhere
async def test_a_login_that_is_refused_is_our_fault_and_not_the_mails(other: OtherSide) -> None:
    assert other.unwelcome is not None
    assert isinstance(await other.unwelcome().send(MAIL), Misconfigured)
    assert other.received() == []


@elsewhere
async def test_an_answer_that_is_lost_leaves_it_open_and_is_not_tried_again_inside(other: OtherSide) -> None:
    assert other.turn is not None
    other.turn("takes it and hangs up")
    assert isinstance(await other.sender.send(MAIL), MaybeSent)
    assert other.received() == [ARRIVED]
    assert isinstance(await other.sender.send(replace(MAIL, to="bob@example.com")), Accepted)


# -- what nobody may read ----------------------------------------------------------------------------------------------


@elsewhere
async def test_neither_an_outcome_nor_a_log_tells_a_secret_an_address_or_a_word_of_the_mail(
    other: OtherSide, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs of the other side (aiosmtpd's `mail.*`) are not ours."""
    assert other.nobody is not None
    assert other.unwelcome is not None
    assert other.turn is not None
    caplog.set_level(logging.DEBUG)
    outcomes = [await other.nobody().send(MAIL), await other.unwelcome().send(MAIL)]
    for mood in ("busy", "refuses", "takes it and hangs up"):
        other.turn(mood)
        outcomes.append(await other.sender.send(MAIL))
    logged = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("mail."))
    for text in (*(repr(one) for one in outcomes), logged, repr(other.sender)):
        assert SECRET not in text
        assert MAIL.to not in text
        assert "Hello Ann" not in text
        assert MAIL.subject not in text


@pytest.mark.parametrize("field", ["subject", "to", "reply_to", "headers"])
def test_a_line_break_in_a_header_makes_no_mail_for_any_provider(field: str) -> None:
    broken = "a@example.com\r\nBcc: eve@example.com"
    with pytest.raises(ValueError, match="contains a line break"):
        replace(MAIL, **{field: {"X-Source": broken} if field == "headers" else broken})
