"""What recipients do with the links of their mail: leave, choose, confirm, click, open. Faults 17 and 31."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from activities.delivery.lane import MailLane
from api.deps import token_rates
from mail.signed_links import Confirmation, Links, Preferences
from services.upkeep import upkeep
from store.queries.mails import messages
from store.statuses import MessageStatus
from store.tables.customers import Consent, Event
from store.tables.enrollments import Decision
from store.tables.messages import DeliveryEvent, Engagement, Message, MessageBody, OutboxMail, PendingClick
from waypost.wiring import Parts

ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"
URLS = ["https://shop.example/one", "https://shop.example/two", "https://shop.example/three"]
PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def ann(client: TestClient) -> str:
    answer = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com", "first_name": "Ann"}})
    return answer.json()["id"]


@pytest.fixture
def mail(parts: Parts, ann: str, noon: datetime, clock: Any) -> str:
    """A mail with three links, accepted a minute ago."""
    with parts.database.writing() as session:
        status = MessageStatus.ACCEPTED
        row = messages.row(ID, ann, template="mail_a", topic="news", lane="journey", due=noon, now=noon, status=status)
        messages.add(session, [row | {"accepted_at": noon}])
        session.add(MessageBody(message_id=ID, customer_id=ann, frozen_at=noon, urls=URLS))
    clock.forward(minutes=1)
    return ID


@pytest.fixture
def deliver(parts: Parts) -> Callable[[], Any]:
    """Let the transactional lane work; the newest mail in the outbox."""

    async def run() -> OutboxMail | None:
        lane: MailLane = parts.lane("transactional")
        lane.take()
        while await lane.pump():
            await lane.drain()
        with parts.database.reading() as session:
            return session.exec(select(OutboxMail).order_by(OutboxMail.id.desc())).first()  # type: ignore[attr-defined]

    return run


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


def path(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


# -- clicks and opens --------------------------------------------------------------------------------------------------


def settle(parts: Parts, clock: Any) -> None:
    """The upkeep looks again and again, as it does in production: what it judged is gone when the next click is due."""
    for _ in range(15):
        clock.forward(seconds=1)
        with parts.database.writing() as session:
            upkeep.do(session, clock())


def clicks(parts: Parts) -> list[tuple[str, bool]]:
    return sorted((one.url, one.machine) for one in rows(parts, DeliveryEvent) if one.kind == "clicked")


def test_a_click_leads_where_the_mail_led_and_is_an_event(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    answer = client.get(path(parts.links.click_url(mail, 1)), headers=PERSON, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, URLS[1])
    assert answer.headers["cache-control"] == "no-store"
    assert clicks(parts) == [], "it is judged with its neighbours, some seconds later"
    settle(parts, clock)
    assert clicks(parts) == [(URLS[1], False)]
    (heard,) = [one for one in rows(parts, Event) if one.name == "Message Clicked"]
    assert heard.properties["url"] == URLS[1]
    assert rows(parts, Message)[0].delivery == "clicked"


@pytest.mark.parametrize("numbers", [(0, 1, 2), (2, 1, 0)])
def test_who_follows_every_link_within_seconds_is_a_scanner(
    client: TestClient, parts: Parts, mail: str, clock: Any, numbers: tuple[int, ...]
) -> None:
    for number in numbers:
        client.get(path(parts.links.click_url(mail, number)), headers=PERSON, follow_redirects=False)
        clock.forward(seconds=2)
    settle(parts, clock)
    assert clicks(parts) == [(url, True) for url in sorted(URLS)]
    assert [one.name for one in rows(parts, Event) if one.name.startswith("Message")] == []
    assert rows(parts, Message)[0].delivery == "delivered", "that it arrived is proven, and no more"
    client.get(path(parts.links.click_url(mail, 0)), headers=PERSON, follow_redirects=False)
    settle(parts, clock)
    assert (URLS[0], False) in clicks(parts), "a person who clicks later counts"


@pytest.mark.parametrize(
    ("method", "agent", "after"),
    [
        ("HEAD", PERSON["user-agent"], 60),
        ("GET", "", 60),
        ("GET", "python-requests/2.32", 60),
        ("GET", "Mozilla/5.0 (compatible; bingbot/2.0)", 60),
        ("GET", PERSON["user-agent"], 1),
    ],
)
def test_machines_are_known_by_how_they_ask(
    client: TestClient, parts: Parts, mail: str, clock: Any, noon: datetime, method: str, agent: str, after: int
) -> None:
    clock.at = noon + timedelta(seconds=after)
    url = path(parts.links.click_url(mail, 0))
    answer = client.request(method, url, headers={"user-agent": agent}, follow_redirects=False)
    assert answer.headers["location"] == URLS[0]
    settle(parts, clock)
    assert clicks(parts) == [(URLS[0], True)]


def test_who_looks_at_the_headers_first_and_then_follows_is_a_scanner(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    url = path(parts.links.click_url(mail, 0))
    client.head(url, headers=PERSON, follow_redirects=False)
    clock.forward(seconds=3)
    client.get(url, headers=PERSON, follow_redirects=False)
    settle(parts, clock)
    assert clicks(parts) == [(URLS[0], True)]


@pytest.mark.parametrize(("agent", "machine"), [(PERSON["user-agent"], False), ("Mozilla/5.0", True), ("", True)])
def test_an_open_is_told_from_a_proxys(client: TestClient, parts: Parts, mail: str, agent: str, machine: bool) -> None:
    answer = client.get(path(parts.links.open_url(mail)), headers={"user-agent": agent})
    assert (answer.headers["content-type"], answer.content[:6]) == ("image/gif", b"GIF89a")
    (report,) = rows(parts, DeliveryEvent)
    assert (report.kind, report.machine, report.provider) == ("opened", machine, "waypost")
    assert rows(parts, Message)[0].delivery == ("delivered" if machine else "opened")


def test_sixty_opens_are_one_event_an_hour_and_the_others_are_counted(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    url = path(parts.links.open_url(mail))
    for _ in range(60):
        assert client.get(url, headers=PERSON).content[:6] == b"GIF89a"
        clock.forward(seconds=1)
    assert [one.kind for one in rows(parts, DeliveryEvent)] == ["opened"]
    assert [one.name for one in rows(parts, Event)] == ["Identify", "Message Opened"]
    assert 'waypost_repeated_opens_and_clicks_total{kind="opened"} 59.0' in client.get("/metrics").text
    shown = client.get(f"/v1/messages/{mail}").json()
    assert (shown["opens"]["count"], shown["clicks"]) == (30, None), "as many as the rate of a mail lets through"
    first = clock.at - timedelta(seconds=60)
    assert shown["opens"]["first_at"] == first.isoformat().replace("+00:00", "Z")
    assert len(rows(parts, Engagement)) == 1
    client.get(url, headers={"user-agent": ""})
    assert [one.machine for one in rows(parts, DeliveryEvent)] == [False], "past the rate of this mail nobody looks"


def test_an_hour_later_an_open_is_an_event_again_and_a_machines_stands_beside(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    url = path(parts.links.open_url(mail))
    for agent in (PERSON["user-agent"], "", PERSON["user-agent"], ""):
        client.get(url, headers={"user-agent": agent})
        clock.forward(seconds=1)
    assert sorted(one.machine for one in rows(parts, DeliveryEvent)) == [False, True]
    clock.forward(hours=1)
    client.get(url, headers=PERSON)
    assert sorted(one.machine for one in rows(parts, DeliveryEvent)) == [False, False, True]


def test_sixty_clicks_are_one_event_an_hour_and_all_lead_where_the_mail_led(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    url = path(parts.links.click_url(mail, 0))
    for _ in range(2):
        for _ in range(30):
            answer = client.get(url, headers=PERSON, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (302, URLS[0])
        settle(parts, clock)
    assert clicks(parts) == [(URLS[0], False)]
    assert [one.name for one in rows(parts, Event)] == ["Identify", "Message Clicked"]
    assert 'waypost_repeated_opens_and_clicks_total{kind="clicked"} 59.0' in client.get("/metrics").text
    assert client.get(f"/v1/messages/{mail}").json()["clicks"]["count"] == 30
    assert [(one.kind, one.count) for one in rows(parts, Engagement)] == [("clicked", 30)]


def test_what_came_past_the_rate_of_a_mail_is_counted_with_the_next_that_is_looked_at(
    client: TestClient, parts: Parts, mail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = iter([True, False, False, True])
    rates = token_rates.TokenRates()
    monkeypatch.setattr(rates._limiter, "hit", lambda rate, *names: next(allowed))
    assert [rates.count(mail, "opened") for _ in range(4)] == [1, 0, 0, 3]


def test_opens_past_their_rate_swallow_no_click(client: TestClient, parts: Parts, mail: str) -> None:
    for _ in range(40):
        client.get(path(parts.links.open_url(mail)), headers=PERSON)
    client.get(path(parts.links.click_url(mail, 0)), headers=PERSON, follow_redirects=False)
    assert [one.url for one in rows(parts, PendingClick)] == [URLS[0]]


def test_a_click_that_waits_to_be_judged_is_one_row_however_often_it_is_repeated(
    client: TestClient, parts: Parts, mail: str, clock: Any
) -> None:
    url = path(parts.links.click_url(mail, 0))
    for _ in range(5):
        client.get(url, headers=PERSON, follow_redirects=False)
    client.head(url, headers=PERSON, follow_redirects=False)
    assert sorted(one.machine for one in rows(parts, PendingClick)) == [False, True]
    assert client.get(f"/v1/messages/{mail}").json()["clicks"]["count"] == 6


def test_a_bad_token_leads_nowhere_and_a_bad_pixel_is_a_pixel(client: TestClient, parts: Parts, mail: str) -> None:
    """Fault 31: forged, cut, of another purpose, of a link or a mail that is not there."""
    good = path(parts.links.click_url(mail, 1))
    forged = path(Links("guessed", "http://127.0.0.1:8000").click_url(mail, 1))
    for bad in (
        good[:-1],
        forged,
        "/c/x",
        path(parts.links.open_url(mail)).replace("/o/", "/c/"),
        path(parts.links.click_url(mail, 3)),
        path(parts.links.click_url(ID.replace("2", "3"), 0)),
    ):
        answer = client.get(bad, headers=PERSON, follow_redirects=False)
        assert (answer.status_code, "location" in answer.headers) == (404, False), bad
    assert client.get("/o/forged.gif").content[:6] == b"GIF89a"
    assert rows(parts, DeliveryEvent) == []


# -- the preference page -----------------------------------------------------------------------------------------------


@pytest.fixture
def page(client: TestClient, parts: Parts, mail: str, ann: str, clock: Any) -> str:
    for key, body in {
        "offers": {"name": "Offers", "consent": "opt_in"},
        "news": {"name": "Product news"},
        "orders": {"transactional": True},
        "letter": {"name": "Letter", "consent": "double_opt_in"},
    }.items():
        client.put(f"/v1/topics/{key}", json=body)
    expires = clock() + timedelta(days=90)
    return path(parts.links.preferences_url(Preferences(customer=ann, send_id=mail, expires=expires)))


def ticked(html: str) -> dict[str, bool]:
    return {name: bool(on) for name, on in re.findall(r'name="topic" value="(\w+)"( checked)?', html)}


def test_the_page_shows_what_holds_and_keeps_what_is_chosen(client: TestClient, parts: Parts, page: str) -> None:
    client.headers.pop("Authorization")
    assert ticked(client.get(page).text) == {"letter": False, "news": True, "offers": False}
    assert rows(parts, Consent) == [], "looking changes nothing: scanners look"
    answer = client.post(page, data={"topic": ["offers", "letter"]})
    assert ticked(answer.text) == {"letter": True, "news": False, "offers": True}
    assert "set-cookie" not in answer.headers
    said = {one.topic: one for one in rows(parts, Consent)}
    assert {name: one.granted for name, one in said.items()} == {"letter": True, "news": False, "offers": True}
    assert not said["letter"].pending, "the link came to their inbox, so it is confirmed by that"
    assert said["offers"].evidence == {
        "text": "I want mail about this topic.", "version": "preferences-1", "how": "preference page",
    }  # fmt: skip
    assert said["news"].source == f"preference page, message {ID}"


def test_nothing_ticked_leaves_everything_and_one_tick_comes_back(client: TestClient, parts: Parts, page: str) -> None:
    client.put("/v1/customers/ann/consent/*", json={"granted": False})
    assert ticked(client.get(page).text) == {"letter": False, "news": False, "offers": False}
    assert ticked(client.post(page, data={"topic": ["news"]}).text) == {"letter": False, "news": True, "offers": False}
    assert ticked(client.post(page).text) == {"letter": False, "news": False, "offers": False}


def test_an_expired_or_damaged_page_changes_nothing(client: TestClient, parts: Parts, page: str, clock: Any) -> None:
    assert client.post(page[:-1], data={"topic": ["news"]}).status_code == 404
    clock.forward(days=91)
    for answer in (client.get(page), client.post(page, data={"topic": ["offers"]})):
        assert (answer.status_code, "has expired" in answer.text) == (410, True)
    assert rows(parts, Consent) == []


# -- double opt-in -----------------------------------------------------------------------------------------------------


async def test_a_yes_counts_when_whoever_reads_the_inbox_has_confirmed_it(
    client: TestClient, parts: Parts, ann: str, deliver: Any, clock: Any
) -> None:
    client.put("/v1/topics/letter", json={"name": "The Letter", "consent": "double_opt_in"})
    evidence = {"text": "Send me the letter.", "version": "3", "how": "footer form", "ip": "192.0.2.1"}
    body = {"granted": True, "source": "footer", "evidence": evidence}
    (said,) = client.put("/v1/customers/ann/consent/letter", json=body).json()
    assert (said["granted"], said["pending"], said["evidence"]) == (True, True, evidence)
    client.put("/v1/customers/ann/consent/letter", json=body)
    mail = await deliver()
    assert (mail.subject, len(rows(parts, OutboxMail))) == ("Do you want mail about The Letter?", 1)
    assert "List-Unsubscribe" not in mail.headers
    (link,) = set(re.findall(r"/confirm/[\w.-]+", mail.html))
    client.headers.pop("Authorization")
    asked = client.get(link).text
    assert ("Yes, write to me" in asked, "“The Letter”" in asked) == (True, True)
    assert rows(parts, Consent)[0].pending, "scanners follow links"
    answer = client.post(link, headers=PERSON)
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    assert client.post(link).status_code == 200, "a repeat changes nothing"
    (kept,) = rows(parts, Consent)
    assert not kept.pending
    assert kept.evidence["confirmed"]["ip"] == "127.0.0.1"
    assert kept.evidence["text"] == "Send me the letter."
    told = [one.what for one in rows(parts, Decision) if one.what in ("subscribed", "consented")]
    assert told == ["subscribed", "consented"]


async def test_mail_waits_for_the_confirmation_and_says_so(
    client: TestClient, parts: Parts, ann: str, noon: datetime
) -> None:
    from journeys.program.send_terms import SendTerms
    from journeys.rules import policy
    from services.installation import installation_settings
    from services.messages.deciding.eligibility import Recipients
    from services.reports.customer import customer_view

    client.put("/v1/topics/letter", json={"consent": "double_opt_in"})
    terms = SendTerms(topic="letter")

    def verdict() -> Any:
        with parts.database.reading() as session:
            customer = customer_view.customer(session, "ann")
            stands = Recipients(session, [customer], installation_settings.load(session), noon)
            who, limits = stands.recipient(customer, "letter"), stands.limits(customer.id, "letter")
            return policy.decide(terms, who, due=noon, now=noon, limits=limits)

    assert verdict() == policy.Skipped("no_consent")
    client.put("/v1/customers/ann/consent/letter", json={"granted": True})
    assert verdict() == policy.Skipped("unconfirmed")
    client.put("/v1/customers/ann/consent/letter", json={"granted": True, "confirmed": True})
    assert verdict() == policy.Allowed()


def test_a_confirmation_that_is_late_or_withdrawn_confirms_nothing(
    client: TestClient, parts: Parts, ann: str, clock: Any
) -> None:
    client.put("/v1/topics/letter", json={"consent": "double_opt_in"})
    client.put("/v1/customers/ann/consent/letter", json={"granted": True})
    what = Confirmation(customer=ann, topic="letter", send_id=ID, expires=clock() + timedelta(days=7))
    link = path(parts.links.confirm_url(what))
    client.put("/v1/customers/ann/consent/letter", json={"granted": False})
    assert client.post(link).status_code == 410
    clock.forward(days=8)
    assert client.get(link).status_code == client.post(link).status_code == 410
    assert client.post(link[:-2]).status_code == 404
    assert not rows(parts, Consent)[0].granted


def test_a_customer_who_is_gone_finds_no_page(client: TestClient, parts: Parts, clock: Any) -> None:
    expires = clock() + timedelta(days=1)
    gone = Preferences(customer="cus_gone", send_id=ID, expires=expires)
    assert client.get(path(parts.links.preferences_url(gone))).status_code == 404
    confirmation = Confirmation(customer="cus_gone", topic="news", send_id=ID, expires=expires)
    assert client.post(path(parts.links.confirm_url(confirmation))).status_code == 404
