"""What goes through the installation while it is hurt: customers, a journey with one mail, a broadcast with one mail.

Everything is said again, under the same ids, until the API has acknowledged it. What is due follows from the numbers
alone, so nothing that the installation says is needed to know it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from waypost.client import Waypost
from waypost.errors import ApiProblem, CannotStart, Unreachable

KEY = "chaos"
"""The key of the journey, the segment and the broadcast."""

JOURNEY, BROADCAST = "journey", "broadcast"
"""The subjects of the two mails."""

_TEMPLATE = (
    "{{% extends '_layout.html' %}}{{% block subject %}}{subject}{{% endblock %}}"
    "{{% block body %}}<p>The {subject} went on.</p>{{% endblock %}}"
)
_DEFINITION: Mapping[str, Any] = {
    "journey": KEY,
    "enter": [{"on": "Signed Up"}],
    "defaults": {"topic": "general"},
    "start": "new",
    "stages": {"new": {"steps": [{"wait": "1 second"}, {"send": "chaos_journey"}], "final": True}},
}

AT_ONCE = 50
"""Customers in one call to the API."""

STOPPED = "it was stopped before everything had come to its end"

AGAIN_AFTER = 0.5
"""Seconds until what was not acknowledged is said again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """So many mails: every customer gets that of the journey, and all (but one, where they are odd) the broadcast's."""

    mails: int

    @property
    def customers(self) -> int:
        """How many sign up."""
        return (self.mails + 1) // 2

    @property
    def readers(self) -> int:
        """How many of them the broadcast goes to."""
        return self.mails // 2

    def due(self) -> set[tuple[str, str]]:
        """Every mail that is to arrive once, as its recipient and subject."""
        return {(_email(number), JOURNEY) for number in range(self.customers)} | {
            (_email(number), BROADCAST) for number in range(self.readers)
        }

    def write_templates(self, folder: Path) -> None:
        """The two templates, as the installation reads them."""
        folder.mkdir(parents=True, exist_ok=True)
        for subject in (JOURNEY, BROADCAST):
            (folder / f"chaos_{subject}.html").write_text(_TEMPLATE.format(subject=subject))

    def send(self, waypost: Waypost, is_over: Callable[[], bool]) -> None:
        """Publish, let everybody sign up, and send the broadcast; return once all of it is acknowledged.

        Raises CannotStart where it is over before: the installation was stopped, and nobody will answer.
        """
        say = partial(_until_acknowledged, is_over)
        say(lambda: waypost.call("PUT", "/v1/journeys/{}", KEY, json=_DEFINITION))
        say(lambda: waypost.call("POST", "/v1/journeys/{}/publish", KEY))
        guard = {"guard": "customer.reader == true"}
        say(lambda: waypost.call("PUT", "/v1/segments/{}", KEY, json=guard))
        for first in range(0, self.customers, AT_ONCE):
            batch = [one for number in self._page(first) for one in self._said(number)]
            say(lambda batch=batch: _take(waypost, batch))
        body = {"segment": KEY, "template": "chaos_broadcast", "topic": "general"}
        say(lambda: waypost.put_broadcast(KEY, body))
        say(lambda: _send(waypost))

    def _page(self, first: int) -> range:
        return range(first, min(first + AT_ONCE, self.customers))

    def _said(self, number: int) -> list[dict[str, Any]]:
        who = {"userId": f"u{number}"}
        traits = {"email": _email(number), "reader": number < self.readers}
        return [
            {"type": "identify", **who, "traits": traits, "messageId": f"i{number}"},
            {"type": "track", **who, "event": "Signed Up", "messageId": f"s{number}"},
        ]


def _email(number: int) -> str:
    return f"u{number}@example.com"


def _take(waypost: Waypost, batch: list[dict[str, Any]]) -> None:
    taken = waypost.call("POST", "/v1/batch", json={"batch": batch})
    if taken["accepted"] + taken["repeated"] != len(batch):
        raise Unreachable("not all of it was taken")


def _send(waypost: Waypost) -> None:
    """One that is on its way already was acknowledged, and nobody heard of it."""
    if waypost.broadcast(KEY)["status"] == "draft":
        waypost.change_broadcast(KEY, "send")


def _until_acknowledged(is_over: Callable[[], bool], said: Callable[[], object]) -> None:
    """Say it again as long as nobody answers, or what answers is not well; raise ApiProblem where it is refused."""
    while not is_over():
        try:
            said()
        except Unreachable:
            time.sleep(AGAIN_AFTER)
        except ApiProblem as refused:
            if refused.status < 500 and refused.status not in (409, 429):
                raise
            time.sleep(AGAIN_AFTER)
        else:
            return
    raise CannotStart(STOPPED)
