"""What a journey's webhooks and notes name: headers that are a journey's to set, secrets there are, hosts to reach.

Told here and not where a webhook is read: what was published before must stay readable, and is called without them.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from journeys.language.problems import DefinitionProblem, Path, nearest
from journeys.language.secrets import NamedSecret
from journeys.language.verbs import NotifyStep, Step, WebhookStep
from journeys.language.words import FRAMING_HEADERS

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A name, as RFC 9110 (5.6.2) spells it."""


def problems(step: Step, path: Path, secrets: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    """What is wrong with a webhook or a note, which stands at `path`; `secrets` are the names that mean something."""
    if isinstance(step, WebhookStep):
        yield from _headers(step.webhook.headers, (*path, "webhook", "headers"))
    for where, url in _addresses(step, path):
        host = refused_host(url)
        if host is not None:
            yield DefinitionProblem(
                code="refused_host",
                severity="warning",
                message=f"{host} is inside the own network, and is not called unless WAYPOST_HOOKS_PRIVATE allows it",
                path=where,
                found=repr(host),
                expected="an address that everybody can reach",
            )
    for where, named in _named(step, path):
        if secrets is not None and named.secret not in secrets:
            yield DefinitionProblem(
                code="unknown_secret",
                message=f"there is no secret {named.secret!r} in WAYPOST_HOOKS_SECRETS",
                path=(*where, "secret"),
                found=repr(named.secret),
                expected=nearest(named.secret, sorted(secrets)),
            )


INSIDE = ("localhost", ".localhost", ".local", ".internal", ".lan", ".home.arpa")
"""Names and endings of names that lead nowhere outside a network (RFC 6761, 6762, 8375; ICANN's `internal`)."""


def refused_host(url: str) -> str | None:
    """The host of an address where it is plainly one of the own network; None where only a look-up can tell."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return None  # no address at all: the shape of a webhook tells that, or its call does
    try:
        inside = not ip_address(host).is_global
    except ValueError:
        inside = any(host == one.lstrip(".") or (one.startswith(".") and host.endswith(one)) for one in INSIDE)
    return host if inside and host else None


def _addresses(step: Step, path: Path) -> Iterator[tuple[Path, str]]:
    """The addresses that a step calls, each with its place; texts with Jinja2 in them say nothing yet."""
    given = (
        ((*path, "webhook", "url"), step.webhook.url) if isinstance(step, WebhookStep) else
        ((*path, "notify", "url"), step.notify.url) if isinstance(step, NotifyStep) else None
    )  # fmt: skip
    if given is not None and isinstance(given[1], str) and "{" not in given[1]:
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


def _wrong(name: str, value: str | NamedSecret) -> tuple[str | None, str | None]:
    """What is wrong, and what would be right; None where nothing is."""
    if name.lower() in FRAMING_HEADERS:
        return f"the header {name!r} belongs to the connection, and is not a journey's to set", "a header of your own"
    if not _TOKEN.fullmatch(name):
        return f"{name!r:.60} is no name of a header", "letters, digits and -"
    if isinstance(value, str) and ("\r" in value or "\n" in value):
        return "the value of a header is one line", None
    return None, None
