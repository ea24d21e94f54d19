"""`waypost doctor mail`: whether mailbox providers will take our mail, and what to mend.

Looks at the configured sender, at what DNS says of its domain (SPF, DKIM, DMARC; RFC 7208, 6376, 7489), at the host
that links lead to, and at the headers of a mail as it would go out. Where DNS cannot be asked it says so.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from mail import linting
from mail.composing import Composer
from mail.message import Mail, parse_sender
from mail.rendering.renderer import Renderer
from mail.rendering.templates import TemplateProblem
from mail.signed_links import Links
from services.messages.sending.mail_request import MailRequest, Personalization
from waypost import providers
from waypost.doctor.findings import CheckFailed, CheckUndecided, Finding, finding_of
from waypost.settings import SENDER, Settings
from waypost.wiring import POSTAL_ADDRESS, brand_of

SECONDS = 5.0
"""For an answer of the domain name system."""

EXAMPLE = "00000000-0000-5000-8000-000000000000"
"""The `send_id` of the mail that is looked at, and never sent."""

DnsLookup = Callable[[str, str], Sequence[str]]
"""The records of a name and type, joined to one text each; none where there are none. Raises CheckUndecided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSetup:
    """What is looked at."""

    settings: Settings
    ask: DnsLookup
    selectors: Sequence[str]

    @property
    def domain(self) -> str:
        """The domain that mails come from."""
        return parse_sender(self.settings.sender).email.rpartition("@")[2].lower()


def resolver(nameserver: str | None = None) -> DnsLookup:
    """Asks the system's name servers, or this one (`address` or `address:port`)."""
    asked = dns.resolver.Resolver(configure=nameserver is None)
    asked.lifetime = asked.timeout = SECONDS
    if nameserver is not None:
        address, _, port = nameserver.partition(":")
        asked.nameservers, asked.port = [address], int(port or 53)

    def ask(name: str, kind: str) -> Sequence[str]:
        try:
            answer = asked.resolve(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise CheckUndecided(
                f"DNS cannot be asked from here ({type(error).__name__}); try --nameserver 9.9.9.9, "
                "or ask on another machine"
            ) from None
        if kind == "TXT":
            return [b"".join(one.strings).decode(errors="replace") for one in answer]
        return [str(one).rstrip(".") for one in answer]

    return ask


def examine(settings: Settings, ask: DnsLookup, selectors: Sequence[str] = ()) -> list[Finding]:
    """Every check, in the order in which to mend what fails."""
    chosen = selectors or providers.chosen(settings).selectors
    patient = CheckedSetup(settings=settings, ask=ask, selectors=chosen)
    checks: list[tuple[str, Callable[[CheckedSetup], str]]] = [
        ("From", _from),
        ("postal address", _address),
        ("SPF", _spf),
        ("DKIM", _dkim),
        ("DMARC", _dmarc),
        ("link host", _links),
        ("headers", _headers),
        ("reports", _reports),
    ]
    return [finding_of(name, check, patient) for name, check in checks]


# -- who writes --------------------------------------------------------------------------------------------------------


def _from(patient: CheckedSetup) -> str:
    try:
        sender = parse_sender(patient.settings.sender)
    except ValueError as error:
        raise CheckFailed(f"WAYPOST_SENDER: {error}") from None
    if patient.settings.sender == SENDER:
        raise CheckFailed('set WAYPOST_SENDER to an address of yours, as "Shop <hello@shop.example>"')
    if not sender.name:
        raise CheckFailed(f"give {sender.email} a name that readers know: WAYPOST_SENDER='Shop <{sender.email}>'")
    if not (patient.ask(patient.domain, "MX") or patient.ask(patient.domain, "A")):
        raise CheckFailed(f"{patient.domain} takes no mail (no MX, no A): answers and bounces would be lost")
    return f"{sender.name} <{sender.email}>, and the domain takes answers"


def _address(patient: CheckedSetup) -> str:
    if patient.settings.postal_address in (None, POSTAL_ADDRESS):
        raise CheckFailed("set WAYPOST_POSTAL_ADDRESS: mail that sells must show where its sender lives (CAN-SPAM)")
    return str(patient.settings.postal_address)


# -- what DNS says -----------------------------------------------------------------------------------------------------


def _spf(patient: CheckedSetup) -> str:
    found = [one for one in patient.ask(patient.domain, "TXT") if one.lower().startswith("v=spf1")]
    provider = providers.chosen(patient.settings)
    if provider.return_path and not found:
        return f"none for the From domain: {provider.title} signs by DKIM and keeps SPF on its own return path"
    if not found:
        raise CheckFailed(f'publish a TXT record for {patient.domain}: "v=spf1 include:YOUR-PROVIDER ~all"')
    if len(found) > 1:
        raise CheckFailed(
            f"{patient.domain} has {len(found)} SPF records; receivers then use none (RFC 7208, 3.2): keep one"
        )
    words = found[0].lower().split()
    if "+all" in words or "all" in words:
        raise CheckFailed(f"{found[0]!r} lets everybody send as {patient.domain}; end it with ~all or -all")
    if not any(word.lstrip("~-?") == "all" or word.startswith("redirect=") for word in words):
        raise CheckFailed(f"{found[0]!r} has no end; add ~all")
    return found[0]


def _dkim(patient: CheckedSetup) -> str:
    if not patient.selectors:
        raise CheckFailed("name the selector that your provider signs with: waypost doctor mail --selector NAME")
    good: list[str] = []
    for selector in patient.selectors:
        name = f"{selector}._domainkey.{patient.domain}"
        found = patient.ask(name, "TXT")
        keys = [one for one in found if "p=" in one]
        if not keys:
            raise CheckFailed(f"there is no key at {name}; publish the record that your provider shows for it")
        if any(part.strip() == "p=" for part in keys[0].split(";")):
            raise CheckFailed(f"the key at {name} is revoked (p= is empty)")
        good.append(selector)
    return f"a key for each of {', '.join(good)}; signed as {patient.domain}, it is aligned with From"


def _dmarc(patient: CheckedSetup) -> str:
    labels = patient.domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        domain = ".".join(labels[start:])
        found = [one for one in patient.ask(f"_dmarc.{domain}", "TXT") if one.lower().startswith("v=dmarc1")]
        if len(found) > 1:
            raise CheckFailed(f"_dmarc.{domain} has {len(found)} DMARC records; receivers then use none: keep one")
        if found:
            return _policy(patient, domain, found[0])
    raise CheckFailed(
        f'publish a TXT record for _dmarc.{patient.domain}: "v=DMARC1; p=none; rua=mailto:dmarc@{patient.domain}"; '
        "Gmail, Yahoo and Outlook refuse bulk mail without one"
    )


def _policy(patient: CheckedSetup, domain: str, record: str) -> str:
    pairs = [part.strip().partition("=") for part in record.split(";") if "=" in part]
    tags = {name: value for name, _, value in pairs}
    policy = tags.get("p", "").strip().lower()
    if policy not in ("none", "quarantine", "reject"):
        raise CheckFailed(f"{record!r} at _dmarc.{domain} names no policy; write p=none, p=quarantine or p=reject")
    strict = tags.get("adkim", "r").strip() == "s" and domain != patient.domain
    if strict:
        raise CheckFailed(
            f"_dmarc.{domain} asks for strict DKIM alignment: the provider must sign as {patient.domain} itself"
        )
    advice = "; when the reports are clean, go on to quarantine" if policy == "none" else ""
    return f"p={policy} at _dmarc.{domain}{advice}"


# -- where links lead --------------------------------------------------------------------------------------------------


def _links(patient: CheckedSetup) -> str:
    url = patient.settings.public_url
    if url is None:
        raise CheckFailed("set WAYPOST_PUBLIC_URL: the links of mails lead to this machine alone")
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise CheckFailed(f"{url} is not https: one-click unsubscribing asks for it (RFC 8058)")
    if host == "localhost" or _is_address(host):
        raise CheckFailed(f"{url} names no site; recipients need one that the world knows")
    if not (patient.ask(host, "A") or patient.ask(host, "AAAA")):
        raise CheckFailed(f"{host} has no address in DNS; no link of a mail would open")
    shared = host == patient.domain or host.endswith(f".{_organization(patient.domain)}")
    return f"{url}" + ("" if shared else f"; a name below {_organization(patient.domain)} would look more like you")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _organization(domain: str) -> str:
    """The domain that somebody registered, as a guess: the last two labels."""
    return ".".join(domain.split(".")[-2:])


# -- a mail as it would go ---------------------------------------------------------------------------------------------


def _headers(patient: CheckedSetup) -> str:
    mail = _sample(patient.settings)
    wanted = ("Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID")
    missing = [name for name in wanted if name not in mail.headers]
    if missing:
        raise CheckFailed(f"a mail lacks {', '.join(missing)}")
    if not mail.headers["List-Unsubscribe"].startswith("<https://"):
        raise CheckFailed("List-Unsubscribe is not https, so mailbox providers show no button: set WAYPOST_PUBLIC_URL")
    url = mail.headers["List-Unsubscribe"].strip("<>")
    found = linting.warnings(mail.subject, mail.html, url, patient.settings.postal_address or POSTAL_ADDRESS)
    if found:
        raise CheckFailed(f"the template `welcome`: {found[0]}")
    return f"{len(mail.headers)} headers, a text part, an unsubscribe button; {len(mail.html) / 1000:.1f} KB"


def _sample(settings: Settings) -> Mail:
    """The mail `welcome`, to somebody made up."""
    composer = Composer(
        Renderer([settings.template_folder]), Links("an example", settings.links_url), brand_of(settings)
    )
    ann = Personalization(context={"customer": {"first_name": "Ann", "events": {}}, "enrollment": {}})
    request = MailRequest(
        send_id=EXAMPLE,
        to="ann@example.com",
        customer="example",
        template="welcome",
        personal=ann,
        campaign="welcome",
        lane="journey",
    )
    try:
        return composer.compose(request, datetime.now(UTC))
    except TemplateProblem as problem:
        raise CheckFailed(f"the template `welcome` gives no mail: {problem}") from None


def _reports(patient: CheckedSetup) -> str:
    settings = patient.settings
    if not settings.sends_for_real:
        return "the local outbox: no mail leaves this machine"
    provider = providers.chosen(settings)
    if provider.events is None:
        return f"{provider.title} tells of refusals only; bounces that come later by mail are not read"
    if getattr(settings, provider.events_key) is None:
        variable = Settings.variable(provider.events_key)
        raise CheckFailed(f"set {variable} and {provider.title}'s webhook for events: else no bounce is ever heard of")
    return f"{provider.title} posts to {settings.links_url}/webhooks/{settings.sends_by}"
