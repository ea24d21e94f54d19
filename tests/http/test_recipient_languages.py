"""The pages that links of mails lead to speak the language of whoever reads them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from mail.signed_links import Confirmation, Preferences, Unsubscribe
from store.tables.customers import Consent
from waypost.wiring import Parts

ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"


def consents(parts: Parts) -> Sequence[Consent]:
    with parts.database.reading() as session:
        return session.exec(select(Consent)).all()


def path(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def german(client: TestClient, parts: Parts, clock: Any) -> dict[str, str]:
    """Every page that Ann's mail leads to; she reads German."""
    traits = {"email": "ann@example.com", "locale": "de_AT"}
    ann = client.put("/v1/customers/ann", json={"attributes": traits}).json()["id"]
    client.put("/v1/topics/news", json={"name": "Product news", "names": {"de": "Neuigkeiten", "fr": "Nouveautés"}})
    client.headers.pop("Authorization")
    links, later = parts.links, clock() + timedelta(days=1)
    return {
        "u": path(links.unsubscribe_url(Unsubscribe(customer=ann, topic="news", send_id=ID))),
        "preferences": path(links.preferences_url(Preferences(customer=ann, send_id=ID, expires=later))),
        "confirm": path(links.confirm_url(Confirmation(customer=ann, topic="news", send_id=ID, expires=later))),
    }


def test_every_page_speaks_the_language_of_the_customer(client: TestClient, german: dict[str, str]) -> None:
    asked = {name: client.get(url, headers={"accept-language": "en"}).text for name, url in german.items()}
    assert "Sie bekommen dann keine Mails zum Thema „Neuigkeiten“ mehr von" in asked["u"]
    assert "Neuigkeiten" in asked["preferences"]
    assert "Alles abbestellen" in asked["preferences"]
    assert "Ja, schreiben Sie mir" in asked["confirm"]
    assert "„Neuigkeiten“" in asked["confirm"]
    assert all('<html lang="de" dir="ltr">' in one for one in asked.values())
    assert "Gespeichert." in client.post(german["preferences"], data={"topic": ["news"]}).text
    assert "Sie sind abgemeldet" in client.post(german["u"]).text


def test_a_yes_keeps_the_words_that_were_read(client: TestClient, parts: Parts, german: dict[str, str]) -> None:
    client.post(german["u"])
    client.post(german["preferences"], data={"topic": ["news"]})
    (said,) = [one for one in consents(parts) if one.topic == "news"]
    assert said.evidence == {
        "text": "Ich möchte Mails zu diesem Thema.", "version": "preferences-1", "how": "preference page",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "browser", "says"),
    [
        (None, "de-CH,de;q=0.9,en;q=0.8", "„Neuigkeiten“"), (None, "en;q=0.3, de;q=0.9", "„Neuigkeiten“"), (None, "", "“Product news”"),
        ("fr", "de", "„Nouveautés“"), ("en", "de", "“Product news”"), ("it", "pt,*;q=0.1", "“Product news”"), (None, "de;q=0,q=;;,x" * 99, "“Product news”"),
    ],
)  # fmt: skip
def test_who_told_us_no_language_reads_that_of_the_browser(
    client: TestClient, german: dict[str, str], keys: dict[str, str], locale: str | None, browser: str, says: str
) -> None:
    own = {"Authorization": f"Bearer {keys['admin']}"}
    client.put("/v1/customers/ann", json={"attributes": {"locale": locale}}, headers=own)
    assert says in client.get(german["u"], headers={"accept-language": browser}).text


def test_a_damaged_or_expired_link_is_told_in_the_language_of_the_browser(
    client: TestClient, german: dict[str, str], clock: Any
) -> None:
    clock.forward(days=2)
    deutsch = {"accept-language": "de"}
    for name, url in german.items():
        assert "Dieser Link ist beschädigt" in client.get(url[:-2], headers=deutsch).text
        if name != "u":
            assert "Dieser Link ist abgelaufen" in client.get(url, headers=deutsch).text
    assert "Dieser Link ist beschädigt" in client.get("/c/x", headers=deutsch).text
    assert "This link is damaged" in client.get("/c/x").text


def test_a_topic_is_named_in_other_languages(client: TestClient) -> None:
    body = {"name": "News", "names": {"de": "Neuigkeiten", "de-AT": "Neues"}}
    assert client.put("/v1/topics/news", json=body).json()["names"] == body["names"]
    assert client.get("/v1/topics/news").json()["names"] == body["names"]
    assert client.put("/v1/topics/news", json={"name": "News"}).json()["names"] == {}
    assert client.put("/v1/topics/news", json={"names": {"Deutsch": "x"}}).status_code == 422
    assert client.put("/v1/topics/news", json={"names": {"de": ""}}).status_code == 422
