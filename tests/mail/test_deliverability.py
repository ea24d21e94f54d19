"""`waypost doctor mail`, on a name server of our own."""

import json
import os
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from tests.conftest import settings_for
from tests.serving import Serving
from waypost.doctor import deliverability
from waypost.errors import CannotStart
from waypost.settings import SENDER
from waypost.wiring import check_identity

GOOD: dict[tuple[str, str], list[str]] = {
    ("shop.example", "MX"): ["10 mx.shop.example."],
    ("shop.example", "TXT"): ['"v=spf1 include:_spf.provider.example ~all"', '"google-site-verification=x"'],
    ("s1._domainkey.shop.example", "TXT"): ['"k=rsa; p=MIGf" "MA0GCSq"'],
    ("_dmarc.shop.example", "TXT"): ['"v=DMARC1; p=quarantine; rua=mailto:d@shop.example"'],
    ("mail.shop.example", "A"): ["192.0.2.7"],
}


class NameServer(Serving):
    """Answers from a dictionary, over UDP."""

    def __init__(self) -> None:
        self.records = dict(GOOD)
        names = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                asked = dns.message.from_wire(data)
                question = asked.question[0]
                name = question.name.to_text().rstrip(".").lower()
                answer = dns.message.make_response(asked)
                kind = dns.rdatatype.to_text(question.rdtype)
                found = names.records.get((name, kind))
                if found:
                    answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
                elif not any(known == name for known, _ in names.records):
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                socket.sendto(answer.to_wire(), self.client_address)

        super().__init__(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler))


@pytest.fixture
def names() -> Iterator[NameServer]:
    made = NameServer()
    yield made
    made.close()


def settings(home: Path, **more: Any) -> Any:
    well = {
        "sender": "Shop <hello@shop.example>",
        "postal_address": "1 Main Street, Springfield",
        "public_url": "https://mail.shop.example",
        "smtp_url": "smtp://127.0.0.1:2525",
    }
    return settings_for(home, **well | more)


def findings(names: NameServer, home: Path, **more: Any) -> dict[str, tuple[bool | None, str]]:
    found = deliverability.examine(settings(home, **more), deliverability.resolver(names.address), ["s1"])
    return {one.check: (one.well, one.text) for one in found}


def test_a_good_set_up_has_nothing_to_mend(names: NameServer, tmp_path: Path) -> None:
    found = findings(names, tmp_path)
    assert {name for name, (well, _) in found.items() if not well} == set(), found
    assert found["DMARC"] == (True, "p=quarantine at _dmarc.shop.example")
    assert found["DKIM"][1].startswith("a key for each of s1")
    assert found["headers"][1].startswith("5 headers, a text part, an unsubscribe button")


@pytest.mark.parametrize(
    ("check", "change", "says"),
    [
        ("From", {"sender": "Waypost <hello@waypost.example>"}, "set WAYPOST_SENDER"),
        ("From", {"sender": "hello@shop.example"}, "give hello@shop.example a name"),
        ("From", {"sender": "Shop <a@nowhere.example>"}, "takes no mail"),
        ("postal address", {"postal_address": None}, "set WAYPOST_POSTAL_ADDRESS"),
        ("link host", {"public_url": None}, "set WAYPOST_PUBLIC_URL"),
        ("link host", {"public_url": "http://mail.shop.example"}, "is not https"),
        ("link host", {"public_url": "https://192.0.2.7"}, "names no site"),
        ("link host", {"public_url": "https://gone.shop.example"}, "has no address in DNS"),
        ("headers", {"public_url": "http://mail.shop.example"}, "List-Unsubscribe is not https"),
        ("reports", {"sendgrid_api_key": "SG.x", "smtp_url": None}, "WAYPOST_SENDGRID_WEBHOOK_KEY"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_with_what_to_do(
    names: NameServer, tmp_path: Path, check: str, change: dict[str, Any], says: str
) -> None:
    well, text = findings(names, tmp_path, **change)[check]
    assert (well, says in text) == (False, True), text


@pytest.mark.parametrize(
    ("check", "name", "records", "says"),
    [
        ("SPF", "shop.example", [], "publish a TXT record"),
        ("SPF", "shop.example", ['"v=spf1 ~all"', '"v=spf1 -all"'], "has 2 SPF records"),
        ("SPF", "shop.example", ['"v=spf1 +all"'], "lets everybody send"),
        ("SPF", "shop.example", ['"v=spf1 include:x.example"'], "has no end"),
        ("DKIM", "s1._domainkey.shop.example", [], "there is no key"),
        ("DKIM", "s1._domainkey.shop.example", ['"v=DKIM1; p="'], "is revoked"),
        ("DMARC", "_dmarc.shop.example", [], "publish a TXT record"),
        ("DMARC", "_dmarc.shop.example", ['"v=DMARC1; rua=mailto:a@b.c"'], "names no policy"),
        ("DMARC", "_dmarc.shop.example", ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "has 2 DMARC records"),
    ],
)
def test_what_is_wrong_in_dns_is_said_with_what_to_do(
    names: NameServer, tmp_path: Path, check: str, name: str, records: list[str], says: str
) -> None:
    names.records[name, "TXT"] = records
    well, text = findings(names, tmp_path)[check]
    assert (well, says in text) == (False, True), text


def test_a_subdomain_lives_under_the_policy_of_its_organization(names: NameServer, tmp_path: Path) -> None:
    names.records["news.shop.example", "MX"] = ["10 mx.shop.example."]
    found = findings(names, tmp_path, sender="Shop <a@news.shop.example>")
    assert found["DMARC"] == (True, "p=quarantine at _dmarc.shop.example")
    names.records["_dmarc.shop.example", "TXT"] = ['"v=DMARC1; p=reject; adkim=s"']
    well, text = findings(names, tmp_path, sender="Shop <a@news.shop.example>")["DMARC"]
    assert (well, "strict DKIM alignment" in text) == (False, True)


def test_where_dns_cannot_be_asked_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_udp_port: int
) -> None:
    monkeypatch.setattr(deliverability, "SECONDS", 0.2)
    nobody = deliverability.resolver(f"127.0.0.1:{unused_udp_port}")
    found = deliverability.examine(settings(tmp_path), nobody, ["s1"])
    unknown = {one.check: one.text for one in found if one.well is None}
    assert set(unknown) == {"From", "SPF", "DKIM", "DMARC", "link host"}
    assert "DNS cannot be asked from here" in unknown["SPF"]


def test_the_command_tells_and_says_by_its_status_whether_all_is_well(names: NameServer, tmp_path: Path) -> None:
    env = {
        **os.environ, "WAYPOST_HOME": str(tmp_path), "WAYPOST_SENDER": "Shop <hello@shop.example>",
        "WAYPOST_POSTAL_ADDRESS": "1 Main Street", "WAYPOST_PUBLIC_URL": "https://mail.shop.example",
    }  # fmt: skip
    command = [sys.executable, "-m", "waypost.cli", "doctor", "mail", "--nameserver", names.address]
    done = subprocess.run(
        [*command, "--json", "--selector", "s1"], env=env, capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, all(one["well"] for one in json.loads(done.stdout))) == (0, True), done.stdout
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, "✗ DKIM" in done.stdout, "--selector" in done.stdout) == (1, True, True)


@pytest.mark.parametrize(
    ("missing", "says"),
    [("sender", "WAYPOST_SENDER"), ("postal_address", "WAYPOST_POSTAL_ADDRESS"), ("public_url", "WAYPOST_PUBLIC_URL")],
)
def test_nothing_goes_to_real_people_from_nobody(tmp_path: Path, missing: str, says: str) -> None:
    default = SENDER if missing == "sender" else None
    with pytest.raises(CannotStart, match=says):
        check_identity(settings(tmp_path, **{missing: default}))
    check_identity(settings(tmp_path))
    check_identity(settings(tmp_path, **{missing: default}, smtp_url=None))


def test_a_stack_without_an_identity_does_not_start(tmp_path: Path) -> None:
    env = {**os.environ, "WAYPOST_HOME": str(tmp_path / "home"), "WAYPOST_SMTP_URL": "smtp://127.0.0.1:2525"}
    command = [sys.executable, "-m", "waypost.cli", "up"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path, timeout=240)
    assert (done.returncode, "WAYPOST_POSTAL_ADDRESS" in done.stderr) == (1, True)
    assert not (tmp_path / "home").exists(), "nothing was begun"
