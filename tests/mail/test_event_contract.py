"""What everything that reads a provider's reports keeps to. A new one is added to `tests/providers.py`.

What becomes of an event afterwards, once for each and only forwards, is told by `tests/http/test_reports.py`.
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from mail.providers.events import BadReport, BadSignature, EventKind, Feedback
from services.feedback.returns.delivery_events import RANK
from tests.providers import REPORTERS, Reporter
from waypost.providers import PROVIDERS

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SEND_ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"


@pytest.fixture(params=sorted(REPORTERS))
def reporter(request: pytest.FixtureRequest) -> Reporter:
    return REPORTERS[request.param]()


def read(reporter: Reporter, *events: Any) -> Any:
    body = reporter.pack(events)
    return reporter.read(body, reporter.sign(body))


def life(reporter: Reporter) -> list[Mapping[str, Any]]:
    """One event of each kind that the provider knows, a second apart."""
    return [
        reporter.event(said, SEND_ID, NOON + timedelta(seconds=second))
        for second, said in enumerate(reporter.says.values())
    ]


def test_every_provider_that_reports_keeps_the_contract() -> None:
    assert set(REPORTERS) == {name for name, one in PROVIDERS.items() if one.events is not None}


def test_the_ledger_knows_how_far_each_kind_is() -> None:
    assert set(RANK) == set(get_args(EventKind))


# -- the words ---------------------------------------------------------------------------------------------------------


def test_each_of_its_words_is_one_of_ours(reporter: Reporter) -> None:
    found = read(reporter, *life(reporter)).feedback
    assert [(one.kind, one.send_id, one.at) for one in found] == [
        (kind, SEND_ID, NOON + timedelta(seconds=second)) for second, kind in enumerate(reporter.says)
    ]


def test_a_word_that_we_do_not_know_is_unknown_and_stands_as_the_reason(reporter: Reporter) -> None:
    (one,) = read(reporter, reporter.event(reporter.more, SEND_ID, NOON)).feedback
    assert (one.kind, one.at) == ("unknown", NOON)
    assert one.reason in reporter.more.values()


def test_events_come_out_in_the_order_in_which_they_came(reporter: Reporter) -> None:
    """It is the ledger that puts them in order, by their instants."""
    events = life(reporter)
    straight = read(reporter, *events).feedback
    random.Random(3).shuffle(events)
    assert sorted(read(reporter, *events).feedback, key=lambda one: one.at) == list(straight)


def test_the_same_event_reads_the_same_each_time(reporter: Reporter) -> None:
    """So that the ledger keeps it once."""
    (event, *_) = life(reporter)
    first, again = read(reporter, event, event).feedback
    assert first == again


def test_what_is_not_about_a_mail_of_ours_is_left_out(reporter: Reporter) -> None:
    report = read(reporter, *reporter.others, *life(reporter), *reporter.others)
    assert (len(report.feedback), report.unreadable) == (len(reporter.says), 0)


def test_an_event_that_cannot_be_read_is_counted_and_harms_no_other(reporter: Reporter) -> None:
    strange = reporter.strange(SEND_ID, NOON)
    report = read(reporter, *strange, *life(reporter))
    assert ([one.kind for one in report.feedback], report.unreadable) == (list(reporter.says), len(strange))


def test_an_empty_report_says_nothing(reporter: Reporter) -> None:
    assert read(reporter).feedback == []


# -- who may speak -----------------------------------------------------------------------------------------------------


def test_what_is_not_signed_by_the_provider_is_no_report(reporter: Reporter) -> None:
    """Fault 16: no signature, one by another key, for another body, and each of its headers missing, bent or garbled."""
    body = reporter.pack(life(reporter))
    good = reporter.sign(body)
    headers: list[Mapping[str, str]] = [{}, reporter.forge(body), reporter.sign(body + b" ")]
    for name, value in good.items():
        headers += [{**good, name: wrong} for wrong in ("", "not base64!", "é\0", _bent(value))]
        headers.append({other: value for other, value in good.items() if other != name})
    reporter.read(body, good)
    for one in headers:
        with pytest.raises(BadSignature, match=r"^the signature is missing or wrong$"):
            reporter.read(body, one)


def _bent(value: str) -> str:
    middle = len(value) // 2
    return value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]


def test_a_body_that_was_changed_on_its_way_is_no_report(reporter: Reporter) -> None:
    body = reporter.pack(life(reporter))
    good = reporter.sign(body)
    for changed in (body + b" ", body[1:], body.replace(SEND_ID.encode(), b"0" * 36), b"", b"\xff\xfe"):
        with pytest.raises(BadSignature):
            reporter.read(changed, good)


def test_a_signature_is_asked_for_before_anything_is_read(reporter: Reporter) -> None:
    for body in reporter.malformed:
        with pytest.raises(BadSignature):
            reporter.read(body, {})


def test_what_is_signed_and_no_report_is_told_so_in_a_sentence(reporter: Reporter) -> None:
    for body in reporter.malformed:
        with pytest.raises(BadReport, match=r"^the report is "):
            reporter.read(body, reporter.sign(body))


# -- what nobody may read ----------------------------------------------------------------------------------------------


def test_no_address_of_a_person_comes_out_of_it(reporter: Reporter) -> None:
    spiteful = reporter.event({**reporter.more, "event": "told ann@example.com"}, SEND_ID, NOON)
    found = read(reporter, *life(reporter), spiteful).feedback
    assert len(found) == len(reporter.says) + 1
    assert all("ann@example.com" not in repr(one) for one in found)


def test_what_a_provider_says_is_bounded(reporter: Reporter) -> None:
    (event, *_) = life(reporter)
    (one,) = read(reporter, {**event, "reason": "x" * 100_000, "url": "https://x.example/" + "y" * 100_000}).feedback
    assert isinstance(one, Feedback)
    assert len(repr(one)) < 5_000
