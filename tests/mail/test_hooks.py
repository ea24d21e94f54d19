"""Webhooks and notes: signed, made under one id, retried where that may help, refused inside the own network."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from activities.hooks.note_outcomes import answer_of
from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent, SendOutcome
from mail.webhooks.answer import HookAnswer
from mail.webhooks.caller import Caller

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def call(url: str, *, private: bool = True, **options: Any) -> HookAnswer:
    caller = Caller(SECRET, private=private)
    try:
        return await caller.call("hook-1", url, {"name": "Änn"}, datetime.now(UTC), headers={}, **options)
    finally:
        await caller.close()


async def test_a_call_is_signed_so_that_the_receiver_can_verify_it(receiver: Any) -> None:
    assert await call(receiver.url) == HookAnswer(outcome="delivered", status=200)
    headers, body = receiver.got[0]
    assert Webhook(SECRET).verify(body.decode(), headers) == {"name": "Änn"}
    assert headers["webhook-id"] == "hook-1"
    assert json.loads(body) == {"name": "Änn"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(204, "delivered"), (301, "failed"), (400, "failed"), (404, "failed"), (410, "failed"), (429, "again"), (500, "again"), (503, "again")],
)  # fmt: skip
async def test_each_answer_means_one_thing(receiver: Any, status: int, outcome: str) -> None:
    receiver.status = status
    assert await call(receiver.url) == HookAnswer(outcome=outcome, status=status)  # type: ignore[arg-type]
    assert len(receiver.got) == 1, "nothing is followed and nothing repeated inside"


async def test_who_does_not_answer_is_called_again(unused_tcp_port: int) -> None:
    assert await call(f"http://127.0.0.1:{unused_tcp_port}/") == HookAnswer(outcome="again", error="ConnectError")


async def test_the_own_network_is_not_called(receiver: Any) -> None:
    answer = await call(receiver.url, private=False)
    assert (answer.outcome, receiver.got) == ("failed", [])
    assert "own network" in (answer.error or "")


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Accepted(provider_id="p1"), HookAnswer(outcome="delivered")),
        (NotSent(), HookAnswer(outcome="again", error="provider_busy")),
        (
            NotSent(unreachable=True, explanation="nobody is there"),
            HookAnswer(outcome="again", error="nobody is there"),
        ),
        (MailRefused(), HookAnswer(outcome="failed", error="rejected")),
        (Misconfigured(explanation="the key is refused"), HookAnswer(outcome="again", error="the key is refused")),
        (
            MaybeSent(explanation="ReadTimeout"),
            HookAnswer(outcome="failed", error="the provider gave no answer (ReadTimeout); it may have gone"),
        ),
    ],
)
def test_a_note_is_written_again_only_where_it_certainly_did_not_go(outcome: SendOutcome, answer: HookAnswer) -> None:
    assert answer_of(outcome) == answer
