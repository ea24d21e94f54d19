"""What a journey's webhooks and notes name: headers that are a journey's to set, secrets there are, hosts to reach.

Told here and not where a webhook is read: what was published before must stay readable, and is called without them.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from journeys.checks.set_values import BRACES
from journeys.language.problems import DefinitionProblem, Path, nearest
from journeys.language.secrets import NamedSecret
from journeys.language.verbs import NotifyStep, Step, WebhookStep
from journeys.language.words import CALL_HEADERS, FRAMING_HEADERS
from readers import hosts

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A name, as RFC 9110 (5.6.2) spells it."""


def problems(
    step: Step, path: Path, secrets: frozenset[str] | None, private: bool | None = None
) -> Iterator[DefinitionProblem]:
    """What is wrong with a webhook or a note, which stands at `path`; `secrets` are the names that mean something.

    `private` is whether hosts of the own network are called; None where nobody knows.
    """
    if isinstance(step, WebhookStep):
        yield from _headers(step.webhook.headers, (*path, "webhook", "headers"))
    for where, url in _addresses(step, path):
        yield from _never_called(where, url, private)
    for where, named in _named(step, path):
        if secrets is not None and named.secret not in secrets:
            yield DefinitionProblem(
                code="unknown_secret",
                message=f"there is no secret {named.secret!r} in WAYPOST_HOOKS_SECRETS",
                path=(*where, "secret"),
                found=repr(named.secret),
                expected=nearest(named.secret, sorted(secrets)),
            )


def _never_called(where: Path, url: str, private: bool | None) -> Iterator[DefinitionProblem]:
    """Why an address cannot be called; a warning where it is not known what the installation allows."""
    if any(one in url for one in BRACES):
        yield DefinitionProblem(
            code="unfilled_text",
            message="an address is no template: it would be called with its braces",
            path=where,
            found=repr(url[:60]),
            expected="one address for everybody; what differs goes into the body",
        )
    host = None if private else refused_host(url)
    if host is not None:
        told = "is never called, since WAYPOST_HOOKS_PRIVATE is off"
        yield DefinitionProblem(
            code="refused_host",
            severity="warning" if private is None else "error",
            message=f"{host} is inside the own network, and "
            + (told if private is False else "is not called unless WAYPOST_HOOKS_PRIVATE allows it"),
            path=where,
            found=repr(host),
            expected="an address that everybody can reach",
        )


INSIDE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")
"""Names and endings of names that lead nowhere outside a network (RFC 6761, 6762, 8375; ICANN's `internal`)."""


def refused_host(url: str) -> str | None:
    """The host of an address where it is plainly one of the own network; None where only a look-up can tell."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return None  # no address at all: the shape of a webhook tells that, or its call does
    address = hosts.address_in(host)
    if address is not None:
        return None if hosts.is_public(address) else host
    inside = any(host == one.lstrip(".") or (one.startswith(".") and host.endswith(one)) for one in INSIDE)
    return host if inside and host else None


def _addresses(step: Step, path: Path) -> Iterator[tuple[Path, str]]:
    """The addresses that a step calls, each with its place."""
    given = (
        ((*path, "webhook", "url"), step.webhook.url) if isinstance(step, WebhookStep) else
        ((*path, "notify", "url"), step.notify.url) if isinstance(step, NotifyStep) else None
    )  # fmt: skip
    if given is not None and isinstance(given[1], str):
        yield given[0], given[1]


def _named(step: Step, path: Path) -> Iterator[tuple[Path, NamedSecret]]:
    """The secrets that a step names, each with its place."""
    if isinstance(step, WebhookStep):
        here = (*path, "webhook")
        found = [((*here, "url"), step.webhook.url)]
        found += [((*here, "headers", name), value) for name, value in step.webhook.headers.items()]
    else:
        found = [((*path, "notify", "url"), step.notify.url)] if isinstance(step, NotifyStep) else []
    yield from ((where, value) for where, value in found if isinstance(value, NamedSecret))


def _headers(headers: Mapping[str, str | NamedSecret], path: Path) -> Iterator[DefinitionProblem]:
    for name, value in headers.items():
        message, expected = _wrong(name, value)
        if message is not None:
            yield DefinitionProblem(code="webhook_header", message=message, path=(*path, name), expected=expected)
        elif name.lower() in CALL_HEADERS:
            yield DefinitionProblem(
                code="webhook_header",
                severity="warning",
                message=f"each call has a header {name!r} of its own; this one is not sent",
                path=(*path, name),
                expected="a header of your own",
            )


def _wrong(name: str, value: str | NamedSecret) -> tuple[str | None, str | None]:
    """What is wrong, and what would be right; None where nothing is."""
    if name.lower() in FRAMING_HEADERS:
        return f"the header {name!r} belongs to the connection, and is not a journey's to set", "a header of your own"
    if not _TOKEN.fullmatch(name):
        return f"{name!r:.60} is no name of a header", "letters, digits and -"
    if isinstance(value, str) and ("\r" in value or "\n" in value):
        return "the value of a header is one line", None
    return None, None
