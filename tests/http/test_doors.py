"""Who may come in, from where, and what the answers tell a browser."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from limits import parse
from sqlmodel import select

from api.deps import rate_limits
from mail.message import Mail, Sender
from mail.signed_links import Confirmation, Unsubscribe
from store.queries.mails import outbox
from store.tables.customers import Consent
from tests.conftest import settings_for
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"


@pytest.fixture
def visit(parts: Parts, keys: dict[str, str]) -> Callable[..., TestClient]:
    """A client without a key, at an address, under settings."""

    def make(peer: str = "127.0.0.1", **more: Any) -> TestClient:
        parts.settings = settings_for(parts.settings.home, **more)
        return TestClient(
            build(parts), client=(peer, 50_000), base_url="http://127.0.0.1:8000", raise_server_exceptions=False
        )

    return make


# -- the address of a person -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "trusted", "claimed", "known"),
    [
        ("203.0.113.9", "", None, "203.0.113.9"),
        ("203.0.113.9", "", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.2", "10.0.0.0/8", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "10.0.0.0/8", "1.1.1.1, 198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("10.0.0.2", "10.0.0.0/8, 192.0.2.1", "1.1.1.1,198.51.100.7,192.0.2.1", "198.51.100.7"),
        ("10.0.0.2", "10.0.0.0/8", None, "10.0.0.2"),
        ("10.0.0.2", "10.0.0.0/8", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.2", "10.0.0.0/8", "unknown", "10.0.0.2"),
        ("10.0.0.2", "10.0.0.0/8", "198.51.100.7:4711", "198.51.100.7"),
        ("::1", "::1", '"[2001:db8::7]:4711"', "2001:db8::7"),
        ("::ffff:10.0.0.2", "10.0.0.0/8", "::ffff:198.51.100.7", "198.51.100.7"),
        ("testclient", "10.0.0.0/8", "198.51.100.7", None),
    ],
)
def test_the_evidence_of_a_consent_holds_the_persons_own_address(
    visit: Callable[..., TestClient], parts: Parts, client: TestClient, noon: datetime,
    peer: str, trusted: str, claimed: str | None, known: str | None,
) -> None:  # fmt: skip
    client.put("/v1/topics/news", json={"name": "News", "consent": "double_opt_in"})
    person = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}}).json()["id"]
    client.put("/v1/customers/ann/consent/news", json={"granted": True})
    expires = noon.replace(year=2099)
    url = parts.links.confirm_url(Confirmation(customer=person, topic="news", send_id=ID, expires=expires))
    headers = {"X-Forwarded-For": claimed} if claimed is not None else {}
    answer = visit(peer, trusted_proxies=trusted).post(path(url), headers=headers)
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    with parts.database.reading() as session:
        (kept,) = session.exec(select(Consent)).all()
    assert kept.evidence["confirmed"].get("ip") == known


def test_a_key_of_a_page_is_counted_by_the_visitors_own_address_behind_our_proxy(
    visit: Callable[..., TestClient], keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "VISITOR", parse("3/minute"))
    proxied = visit("10.0.0.2", trusted_proxies="10.0.0.0/8")
    proxied.headers["Authorization"] = f"Bearer {keys['browser']}"
    event = {"anonymousId": "a", "event": "Looked"}

    def looks(address: str) -> int:
        return proxied.post("/v1/track", json=event, headers={"X-Forwarded-For": address}).status_code

    assert [looks("198.51.100.7") for _ in range(5)] == [200, 200, 200, 429, 429]
    assert [looks("198.51.100.8"), looks("1.1.1.1, 198.51.100.7")] == [200, 429], "what the visitor made up is not read"
    proxied.headers["Authorization"] = f"Bearer {keys['ingest']}"
    assert [looks("198.51.100.7") for _ in range(5)] == [200] * 5, "a server calls for everybody"


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_a_network_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(_env_file=None, trusted_proxies="the office")  # type: ignore[call-arg]


# -- the outbox --------------------------------------------------------------------------------------------------------


@pytest.fixture
def caught(parts: Parts) -> str:
    """The id of a mail in the outbox."""
    mail = Mail(
        send_id=ID, to="ann@example.com", sender=Sender(name="", email="a@b.example"), subject="Hi", html="<p>x</p>",
        text="x", headers={},
    )  # fmt: skip
    with parts.database.writing() as session:
        outbox.keep(session, [mail], "a@b.example", parts.clock())
        return outbox.page(session, 1, None)[0].id


FORWARDED = [
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "X-Envoy-External-Address",
    "X-Original-Forwarded-For",
    "Client-IP",
    "X-Request-Id",
    "X-Amzn-Trace-Id",
]


@pytest.mark.parametrize("header", FORWARDED)
def test_the_outbox_is_shut_to_whoever_a_proxy_on_this_machine_brings(
    visit: Callable[..., TestClient], caught: str, header: str
) -> None:
    direct = visit()
    for url in ("/outbox", f"/outbox/{caught}", f"/outbox/{caught}/body", f"/outbox/{caught}/mail.eml"):
        assert direct.get(url).status_code == 200
        brought = direct.get(url, headers={header: "127.0.0.1"})
        assert (brought.status_code, "ann@example.com" in brought.text) == (401, False)
        assert brought.headers["www-authenticate"].startswith("Basic ")
    assert visit("192.0.2.1").get("/outbox").status_code == 401


BROWSERS = {
    "Accept-Language": "de", "Sec-Fetch-Site": "none", "Sec-CH-UA": "x", "Upgrade-Insecure-Requests": "1", "DNT": "1",
    "If-None-Match": "x", "Cookie": "a=b", "Priority": "u=0", "Referer": "http://127.0.0.1:8000/", "HX-Request": "true",
}  # fmt: skip


def test_the_outbox_is_open_to_a_browser_on_this_machine_by_any_name_of_it(
    visit: Callable[..., TestClient], caught: str
) -> None:
    for name in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000", "localhost"):
        assert visit().get("/outbox", headers=BROWSERS | {"Host": name}).status_code == 200


def test_the_outbox_is_shut_to_a_proxy_that_adds_nothing(visit: Callable[..., TestClient], caught: str) -> None:
    """One hands the name on that was asked for; another speaks HTTP/1.0, as nginx does where nobody says otherwise."""
    handed_on = visit(public_url="https://post.example.com").get("/outbox", headers={"Host": "post.example.com"})
    app = visit().app

    async def spoken_of_old(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "http_version": "1.0"} if scope["type"] == "http" else scope, receive, send)

    old = TestClient(spoken_of_old, client=("127.0.0.1", 50_000), base_url="http://127.0.0.1:8000")
    assert (handed_on.status_code, old.get("/outbox").status_code) == (401, 401)


@pytest.mark.parametrize(
    "known", [{"public_url": "https://post.example.com"}, {"pages_url": "https://desk.example.com"},
              {"hosts": "desk.example.com"}, {"trusted_proxies": "127.0.0.1"}],
)  # fmt: skip
def test_the_outbox_of_an_installation_that_is_known_elsewhere_is_shut_to_this_machine_too(
    visit: Callable[..., TestClient], caught: str, known: dict[str, str]
) -> None:
    """A proxy that names us `127.0.0.1` and adds nothing, as nginx does since 1.29.7, looks like a browser here."""
    for url in ("/outbox", f"/outbox/{caught}/body"):
        assert visit(public_url="http://localhost:8000").get(url, headers=BROWSERS).status_code == 200
        assert visit(**known).get(url, headers=BROWSERS).status_code == 401


def test_who_is_no_admin_sees_no_signed_link_from_elsewhere(
    visit: Callable[..., TestClient], keys: dict[str, str], parts: Parts
) -> None:
    """The link that signs an admin in is mailed like any other."""
    link = parts.links.sign_in_url("sgn_1")
    mail = Mail(
        send_id=ID, to="ann@example.com", sender=Sender(name="", email="a@b.example"), subject="Hi",
        html=f'<a href="{link}">x</a>', text=link, headers={"List-Unsubscribe": f"<{link}>"},
    )  # fmt: skip
    with parts.database.writing() as session:
        outbox.keep(session, [mail], "a@b.example", parts.clock())
        id = outbox.page(session, 1, None)[0].id
    token = link.rpartition("/")[2]
    far = visit("192.0.2.1")
    for url in (f"/outbox/{id}", f"/outbox/{id}/body", f"/outbox/{id}/mail.eml"):
        seen = {scope: token in far.get(url, auth=("me", keys[scope])).text.replace("=\n", "") for scope in SEERS}
        assert seen == {"marketer": False, "admin": True}
        assert token in visit().get(url).text.replace("=\n", "")


SEERS = ("marketer", "admin")


def test_the_outbox_opens_to_a_key_of_a_marketer(
    visit: Callable[..., TestClient], keys: dict[str, str], caught: str
) -> None:
    far = visit("192.0.2.1")
    for scope, status in (("marketer", 200), ("admin", 200), ("support", 403), ("ingest", 403)):
        assert far.get("/outbox", headers={"Authorization": f"Bearer {keys[scope]}"}).status_code == status
        assert far.get("/outbox", auth=("me", keys[scope])).status_code == status
    assert far.get("/outbox", auth=("me", "wrong")).status_code == 401
    assert far.get("/outbox", headers={"Authorization": "Basic %%%"}).status_code == 401


@pytest.mark.parametrize("page", ["/", "/metrics"])
def test_the_start_page_and_the_numbers_ask_for_a_key_or_a_sign_in(
    visit: Callable[..., TestClient], keys: dict[str, str], page: str
) -> None:
    """At this machine, too: whoever runs there is not whoever may look."""
    here = visit()
    asked = here.get(page)
    assert (asked.status_code, asked.headers["www-authenticate"][:6]) == (401, "Basic ")
    for scope, status in (("support", 200), ("marketer", 200), ("admin", 200), ("ingest", 403)):
        assert here.get(page, headers={"Authorization": f"Bearer {keys[scope]}"}).status_code == status, scope
        assert here.get(page, auth=("anybody", keys[scope])).status_code == status, scope
    assert here.get(page, auth=("anybody", "wp_wrong")).status_code == 401
    assert visit(open_pages=page).get(page).status_code == 200
    assert visit(open_pages="/" if page == "/metrics" else "/metrics").get(page).status_code == 401


# -- names and origins -------------------------------------------------------------------------------------------------


def test_the_outbox_opens_to_a_marketer_who_is_signed_in(
    visit: Callable[..., TestClient], browser: Callable[..., TestClient], caught: str
) -> None:
    for role, status in [("support", 401), ("marketer", 200), ("admin", 200)]:
        far = visit("192.0.2.1")
        far.cookies = browser(role).cookies
        assert far.get("/outbox").status_code == status, role


@pytest.mark.parametrize("page", ["/", "/outbox", "/docs"])
def test_a_page_answers_to_our_own_names_alone(
    visit: Callable[..., TestClient], keys: dict[str, str], page: str
) -> None:
    client = visit(public_url="https://mail.shop.example", hosts="waypost.lan, Desk.Lan", open_pages="/")
    client.auth = ("anybody", keys["marketer"])
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "mail.shop.example", "waypost.lan:80",
                 "desk.lan"):  # fmt: skip
        assert client.get(page, headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a b", ""):
        answer = client.get(page, headers={"Host": host})
        assert (answer.status_code, answer.json()["type"]) == (421, "urn:waypost:problem:misdirected"), host


@pytest.mark.parametrize("page", ["/", "/outbox", "/docs"])
def test_a_page_answers_to_our_own_pages_alone(visit: Callable[..., TestClient], page: str) -> None:
    client = visit(open_pages="/")
    assert client.get(page, headers={"Origin": "http://127.0.0.1:8000"}).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9000"):
        assert client.get(page, headers={"Origin": origin}).status_code == 403, origin


def test_a_mail_clients_one_click_comes_from_anywhere(
    visit: Callable[..., TestClient], parts: Parts, client: TestClient
) -> None:
    """RFC 8058: the token is what opens it, whatever the host is called behind a proxy."""
    person = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}}).json()["id"]
    url = parts.links.unsubscribe_url(Unsubscribe(customer=person, topic="news", send_id=ID))
    headers = {"Host": "api:8000", "Origin": "https://mail.example"}
    assert visit("192.0.2.1").post(path(url), headers=headers).status_code == 200


# -- what answers tell a browser ---------------------------------------------------------------------------------------


def links(parts: Parts, person: str) -> list[str]:
    what = Unsubscribe(customer=person, topic="news", send_id=ID)
    return [
        path(parts.links.unsubscribe_url(what)),
        "/u/damaged",
        "/preferences/damaged",
        "/confirm/damaged",
        "/c/damaged",
    ]


def test_what_recipients_open_is_kept_by_nobody_and_found_by_nobody(
    visit: Callable[..., TestClient], parts: Parts, client: TestClient, caught: str
) -> None:
    person = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}}).json()["id"]
    browser = visit(open_pages="/")
    for url in [*links(parts, person), "/outbox", f"/outbox/{caught}", "/"]:
        headers = browser.get(url).headers
        assert headers["cache-control"] == "no-store", url
        assert headers["x-robots-tag"] == "noindex", url
        assert headers["x-content-type-options"] == "nosniff", url
        assert "frame-ancestors 'none'" in headers["content-security-policy"], url
        assert "default-src 'none'" in headers["content-security-policy"], url
    assert browser.get("/o/any").headers["cache-control"] == "no-store"


def test_answers_of_the_api_are_kept_by_nobody_between(client: TestClient) -> None:
    for url in ("/v1/customers", "/v1/customers/nobody", "/v1/settings"):
        headers = client.get(url).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_the_documentation_needs_no_other_host(visit: Callable[..., TestClient]) -> None:
    browser = visit()
    shown = browser.get("/docs")
    policy = shown.headers["content-security-policy"]
    assert "http" not in policy
    assert "script-src 'self';" in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', shown.text)
    assert "<script>" not in shown.text
    kinds = {}
    for url in loaded:
        if not url.startswith("data:"):
            answer = browser.get(url)
            assert answer.status_code == 200, url
            kinds[url] = answer.headers["content-type"].partition(";")[0]
    assert kinds == {
        "/docs/swagger-ui.css": "text/css",
        "/docs/swagger-ui-bundle.js": "text/javascript",
        "/docs/start.js": "text/javascript",
    }
    assert browser.get("/docs/other.js").status_code == 404
    assert browser.get("/openapi.json").status_code == 200


def test_every_post_that_takes_an_idempotency_key_says_so(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    taking = {path for path, item in paths.items()
              if any(one.get("name") == "Idempotency-Key" for one in item.get("post", {}).get("parameters", ()))}  # fmt: skip
    assert {"/v1/imports", "/v1/keys", "/v1/journeys/{key}/publish", "/v1/topics/{key}/pause"} <= taking


# -- methods -----------------------------------------------------------------------------------------------------------


def test_head_answers_wherever_get_does(
    visit: Callable[..., TestClient], parts: Parts, client: TestClient, caught: str
) -> None:
    person = client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}}).json()["id"]
    browser = visit(open_pages="/")
    for url in ("/", "/docs", "/healthz", "/openapi.json", f"/outbox/{caught}", "/o/any", *links(parts, person)):
        head, get = browser.head(url), browser.get(url)
        assert (head.status_code, head.content) == (get.status_code, b""), url
        assert head.headers["content-type"] == get.headers["content-type"], url
    assert client.head("/v1/customers/ann").status_code == 200


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/u/token", "GET, HEAD, POST"),
        ("POST", "/v1/customers/ann", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/v1/track", "OPTIONS, POST"),  # browsers ask first
        ("HEAD", "/v1/track", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(client: TestClient, method: str, url: str, allowed: str) -> None:
    answer = client.request(method, url)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
