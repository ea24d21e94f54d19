"""A note to a colleague: one click answers, a scanner does not, journeys hear of it, and a report tells how soon."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any, Literal

import pytest
from fastapi.testclient import TestClient
from rich.console import Console
from sqlmodel import col, select, text

from mail.composing import Composer
from mail.rendering.renderer import Renderer
from mail.signed_links import HAND_OVER_LIVES, HandOverLink, blanked
from mail.webhooks.answer import HookAnswer
from readers.hand_over_answers import HandOverAnswer
from services.enrollments import hooks
from services.statistics import quartiles
from store import log_buckets
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.tables.customers import Event
from store.tables.enrollments import Hook
from store.tables.note_answers import NoteAnswer
from tests.shells import Shell
from waypost.cli.tables.hand_over_report import print_hand_overs
from waypost.wiring import Parts

SALES = """
journey: sales
enter: [{on: Signed Up}]
start: new
stages:
  new:
    steps:
      - notify: {email: sales@example.com, text: Call them.}
      - wait_for: {event: Hand-over Answered, when: 'event.properties.answer == "taken"'}
      - go: taken
  taken: {steps: [{wait: 30 days}]}
"""

Note = Callable[..., str]


@pytest.fixture
def enter(client: TestClient, parts: Parts, clock: Any) -> Callable[..., Shell]:
    """Somebody enters, and the journey writes its note about them."""
    assert client.put("/v1/journeys/sales", content=SALES).status_code == 200
    client.post("/v1/journeys/sales/publish")

    def run(user: str) -> Shell:
        client.post("/v1/track", json={"userId": user, "event": "Signed Up"})
        with parts.database.reading() as session:
            customer = customers.find(session, user)
            assert customer is not None
            shell = Shell(parts.database, enrollments.of_customer(session, customer.id)[0])
        shell.wake(clock())
        return shell

    return run


@pytest.fixture
def note(parts: Parts, enter: Callable[..., Shell], clock: Any) -> Note:
    """Hands somebody over, and has the note come to this end; the id of its hook."""

    def run(user: str, *, outcome: Literal["delivered", "failed"] = "delivered") -> str:
        enter(user)
        return went(parts, clock(), outcome)

    return run


def went(parts: Parts, now: datetime, outcome: Literal["delivered", "failed"] = "delivered") -> str:
    """The note that is due comes to this end; the id of its hook."""
    with parts.database.writing() as session:
        hooks.take_over(session, "owner", now)
        (due,) = hooks.claim(session, "owner", 1, now)
        hooks.record(session, "owner", due.id, due.attempt, HookAnswer(outcome=outcome), now)
    return due.id


def link(parts: Parts, note: str, answer: HandOverAnswer = HandOverAnswer.TAKEN) -> str:
    """An answer to a note, as a path."""
    what = HandOverLink(note=note, answer=answer, expires=parts.clock() + HAND_OVER_LIVES)
    return "/" + parts.links.hand_over_url(what).split("/", 3)[3]


def heard(parts: Parts) -> list[dict[str, Any]]:
    with parts.database.reading() as session:
        found = session.exec(select(Event).where(Event.name == "Hand-over Answered").order_by(col(Event.seq))).all()
        return [one.properties for one in found]


def report(client: TestClient, **asked: str) -> Any:
    return client.get("/v1/reports/hand-overs", params=asked).json()


def test_a_note_has_a_signed_link_for_each_answer_in_both_parts(parts: Parts, noon: datetime) -> None:
    mail = Composer(Renderer([]), parts.links, parts.brand).hand_over(
        "h-1", "sales@x.example", "Ann", "Call <her>.", noon
    )
    links = re.findall(r"https?://\S+/hand-over/(\S+)", mail.text)
    assert re.findall(r'/hand-over/([^"]+)"', mail.html) == links
    read = [parts.links.read_hand_over(one, noon) for one in links]
    assert [(one.note, one.answer) for one in read] == [("h-1", answer) for answer in HandOverAnswer]
    assert mail.html.startswith("<p>Call &lt;her&gt;.</p>")
    assert mail.text.startswith("Call <her>.\n\n--\nI take it: ")
    assert not [one for one in links if one in blanked(mail.text)]


def test_a_scanner_that_follows_the_link_says_nothing(client: TestClient, parts: Parts, note: Note) -> None:
    page = client.get(link(parts, note("ann")))
    assert (page.status_code, "You say: I take it." in page.text) == (200, True)
    assert re.search(r"script-src 'sha256-[\w+/]+=*'$", page.headers["content-security-policy"])
    assert (heard(parts), report(client)["hand_overs"][0]["unanswered"]) == ([], 1)


def test_one_click_answers_and_the_journey_goes_on(
    client: TestClient, parts: Parts, enter: Callable[..., Shell]
) -> None:
    shell = enter("ann")
    named = went(parts, parts.clock())
    page = client.post(link(parts, named))
    assert (page.status_code, "You said: I take it." in page.text) == (200, True)
    assert "script-src" not in page.headers["content-security-policy"]
    told = {"answer": "taken", "journey": "sales", "stage": "new", "step": "new/notify", "note": named}
    assert heard(parts) == [told]
    shell.wake(parts.clock())
    assert shell.state.stage == "taken"


def test_an_answer_is_changed_and_a_repeat_changes_nothing(
    client: TestClient, parts: Parts, note: Note, clock: Any
) -> None:
    path = link(parts, note("ann"))
    clock.forward(hours=1)
    client.post(path)
    clock.forward(days=2)
    for _ in range(3):
        assert client.post(path, data={"answer": "done"}).status_code == 200
    assert [one["answer"] for one in heard(parts)] == ["taken", "done"]
    (line,) = report(client)["hand_overs"]
    assert (line["taken"], line["done"], line["unanswered"]) == (0, 1, 0)
    assert 0.9 < line["time_to_answer"]["median_hours"] < 1.1, "that of the first answer"
    assert client.post(path, data={"answer": "perhaps"}).status_code == 422


def test_a_link_that_is_damaged_of_another_purpose_or_old_says_so(
    client: TestClient, parts: Parts, note: Note, clock: Any
) -> None:
    path = link(parts, note("ann"))
    assert client.post(path[:-3]).status_code == client.get(f"/s/{path.rpartition('/')[2]}").status_code == 404
    clock.forward(days=91)
    assert client.get(path).status_code == client.post(path).status_code == 410
    assert heard(parts) == []


def test_of_an_erased_customer_nobody_answers_and_the_counts_stay(client: TestClient, parts: Parts, note: Note) -> None:
    path = link(parts, note("ann"))
    before = report(client)
    with parts.database.writing() as session:
        session.delete(session.exec(select(Hook)).one())
    assert client.get(path).status_code == client.post(path).status_code == 404
    assert (report(client), heard(parts)) == (before, [])


def test_a_note_that_was_given_up_expects_nothing(client: TestClient, parts: Parts, note: Note) -> None:
    named = note("ann", outcome="failed")
    assert client.post(f"/v1/hooks/{named}/cancel").status_code == 200
    for page in (client.get(link(parts, named)), client.post(link(parts, named))):
        assert (page.status_code, "This note was given up" in page.text) == (409, True)
    assert (heard(parts), report(client)["hand_overs"]) == ([], [])


def test_a_note_that_may_have_gone_counts_by_its_answer_and_once(client: TestClient, parts: Parts, note: Note) -> None:
    named = note("ann", outcome="failed")
    assert report(client) == {"hand_overs": [], "told": "No note was sent to a colleague."}
    client.post(link(parts, named))
    client.post(f"/v1/hooks/{named}/retry")
    assert went(parts, parts.clock()) == named
    (line,) = report(client)["hand_overs"]
    assert (line["sent"], line["taken"], line["unanswered"]) == (1, 1, 0)


def test_the_report_is_what_sql_counts_anew(
    client: TestClient, parts: Parts, note: Note, clock: Any, statements: Any
) -> None:
    """Nine notes, eight of them answered after one to eight hours, each third one changed later."""
    answers = list(HandOverAnswer)
    named = [note(f"c{number}") for number in range(9)]
    for number, one in enumerate(named[:8]):
        clock.forward(hours=1)
        client.post(link(parts, one, answers[number % 3]))
    for one in named[:8:3]:
        client.post(link(parts, one, HandOverAnswer.DONE))
    with parts.database.reading() as session:
        query = (
            "SELECT coalesce(note_answer.answer, 'unanswered'), count(*) FROM hook "
            "LEFT JOIN note_answer ON note_answer.hook_id = hook.id WHERE hook.status = 'delivered' GROUP BY 1"
        )
        rows = {row[0]: row[1] for row in session.connection().execute(text(query))}
        took = [one.seconds for one in session.exec(select(NoteAnswer)).all()]
    with statements(parts.database, at_most=9):
        found = report(client, journey="sales")
    (line,) = found["hand_overs"]
    assert {name: line[name] for name in (*answers, "unanswered")} == {**dict.fromkeys(answers, 0), **rows}
    assert (line["sent"], line["answered"]["count"], line["answered"]["n"]) == (9, 8, 9)
    exact = quartiles.of(Counter(log_buckets.bucket_of(one) for one in took))
    assert exact is not None
    assert line["time_to_answer"] == exact.in_hours()
    assert sorted(took) == [3_600 * hours for hours in range(1, 9)]
    assert found["told"].startswith("9 notes were sent, 8 of them answered; half of the answers came within 4.")
    assert report(client, journey="other") == {"hand_overs": [], "told": "No note was sent to a colleague."}
    csv = client.get("/v1/reports/hand-overs", params={"format": "csv"}).text.splitlines()
    assert csv[0].startswith("journey,stage,step,sent,taken,done,not_interested,unanswered,answered.count")
    told = StringIO()
    print_hand_overs(Console(file=told, width=200), found)
    assert "89% of 9" in told.getvalue()


def test_a_note_to_a_chat_waits_for_no_answer(client: TestClient, note: Note) -> None:
    client.put(
        "/v1/journeys/sales", content=SALES.replace("email: sales@example.com", 'url: "https://chat.example.com/1"')
    )
    client.post("/v1/journeys/sales/publish")
    note("ann")
    assert report(client)["hand_overs"] == []
