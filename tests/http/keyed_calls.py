"""Every call that changes something and takes an Idempotency-Key, each where it can be done; and processes that die."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlmodel import Session, col, select
from temporalio.testing import ActivityEnvironment

from services.access.keys import api_keys
from store import bulk
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.mails import messages
from store.statuses import BroadcastStatus, DispatchStatus, HookStatus, MessageStatus
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast
from store.tables.enrollments import Dispatch, Enrollment, Hook
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.http import tour
from tests.shells import Shell
from waypost.wiring import Parts

SPLIT = """journey: tour
enter: [{on: Signed Up}]
defaults: {topic: general}
start: trial
stages:
  trial:
    steps: [{split: {id: tip, variants: {a: {weight: 1, steps: [{send: mail_a}]}, b: {weight: 1, holdout: true}}}}]
"""


@dataclass(frozen=True)
class House:
    """An installation, and what can be made ready in it."""

    client: TestClient
    parts: Parts
    clock: HandClock
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, url: str, body: Any = None, **headers: str) -> Any:
        answer = self.client.post(url, json=body, headers={**self.headers, **headers})
        assert answer.status_code < 300, answer.text
        return answer.json()

    def put(self, url: str, body: Any) -> None:
        answer = self.client.put(url, json=body)
        assert answer.status_code == 200, answer.text

    def store(self, *rows: Any) -> None:
        with self.parts.database.writing() as session:
            session.add_all(rows)

    def live(self, *drafts: str) -> None:
        for text in drafts:
            tour.put(self.client, text)
            self.post("/v1/journeys/tour/publish")

    def under_way(self) -> str:
        """One who waits for their second mail."""
        self.live(tour.JOURNEY)
        self.put("/v1/customers/ann", {"attributes": {"email": "ann@example.com"}})
        made = self.post("/v1/journeys/tour/enrollments", {"customer": "ann"})["id"]
        with self.parts.database.reading() as session:
            run = session.get_one(Enrollment, made)
        Shell(self.parts.database, run).wake(self.clock())
        return made

    def planned(self, **asked: Any) -> str:
        """The token of a plan."""
        token = self.post("/v1/journeys/tour/plan", asked)["id"]
        assert asyncio.run(ActivityEnvironment().run(self.parts.operations().operate, token)) == "done"
        return token

    def longer(self) -> str:
        """The token of a plan to move everybody to another draft."""
        tour.put(self.client, tour.LONGER)
        return self.planned(in_flight="move")

    def asks_for_approval(self) -> None:
        """Two pairs of eyes from now on."""
        state = cast(FastAPI, self.client.app).state
        state.backend = replace(state.backend, approval=True)

    def another_key(self) -> dict[str, str]:
        with self.parts.database.writing() as session:
            return {"Authorization": f"Bearer {api_keys.create(session, 'x', ['approver'], self.clock())[1]}"}

    def approval(self) -> Any:
        """A request for approval of a draft that this key wrote; what is done about it is done by another one."""
        self.under_way()
        token = self.longer()
        self.asks_for_approval()
        made = self.post("/v1/journeys/tour/approvals", {"plan": token, "in_flight": "move"})
        self.headers.update(self.another_key())
        return made

    def operation(self) -> str:
        self.live(tour.JOURNEY)
        return self.post("/v1/journeys/tour/simulate")["id"]

    def broadcast(self, *steps: str, through: Sequence[BroadcastStatus] = ()) -> None:
        self.put("/v1/segments/pros", {"guard": "true"})
        variants = {name: {"template": f"mail_{name}"} for name in ("a", "b")}
        test = {"sample": 100, "after": "1 hour"}
        self.put("/v1/broadcasts/b", {"segment": "pros", "topic": "news", "variants": variants, "test": test})
        for step in steps:
            self.post(f"/v1/broadcasts/b/{step}")
        for status in through:
            with self.parts.database.writing() as session:
                session.get_one(Broadcast, "b").status = status

    def hook(self) -> None:
        now = self.clock()
        self.store(Hook(
            id="h1", kind="webhook", enrollment_id="e1", customer_id="c1", journey="welcome", digest="d", stage="new",
            step="new/webhook:x", visit=1, status=HookStatus.STUCK, attempts=9, answer=503, not_before=now,
            created_at=now, updated_at=now,
        ))  # fmt: skip

    def dispatch(self) -> int:
        with self.parts.database.writing() as session:
            row = dispatches.row("e1", "w1", "start", {}, Priority.START, self.clock(), waked=True)
            bulk.add(session, Dispatch, [row])
            one = session.exec(select(Dispatch).where(col(Dispatch.enrollment_id) == "e1")).one()
            one.status, one.error = DispatchStatus.STUCK, "KeyError"
            return one.id or 0

    def unsure(self) -> None:
        with self.parts.database.writing() as session:
            row = messages.row("m1", "c", template="t", topic="news", lane="journey", due=self.clock(),
                               now=self.clock(), status=MessageStatus.UNKNOWN, reason="worker_lost")  # fmt: skip
            messages.add(session, [row])

    def held_by_hours(self) -> str:
        quiet = {"from": "08:00", "to": "20:00"}
        self.put("/v1/settings", {**self.client.get("/v1/settings").json(), "quiet_hours": quiet})
        self.under_way()
        with self.parts.database.reading() as session:
            return session.exec(select(Message.id)).one()

    def stuck(self) -> str:
        made = self.under_way()
        with self.parts.database.writing() as session:
            session.get_one(Enrollment, made).stuck = "KeyError"
        return made

    def user(self) -> str:
        body = {"email": "bea@shop.example", "name": "Bea", "roles": ["support"], "mail": False}
        return self.post("/v1/users", body)["id"]

    def disabled(self) -> str:
        made = self.user()
        self.post(f"/v1/users/{made}/disable")
        return made


Ready = Callable[[House], tuple[Any, Any]]
"""Makes a call possible; the values of its path, and its body."""


def at(*values: Any, body: Any = None) -> Ready:
    """A call that is possible already."""
    return lambda house: (values, body)


def after(make: Callable[[House], Any], body: Any = None) -> Ready:
    """A call about what is made ready before."""
    return lambda house: ((make(house),), body)


def doing(make: Callable[[House], Any], *values: Any, body: Any = None) -> Ready:
    """A call of these values, after something is made ready."""

    def ready(house: House) -> tuple[Any, Any]:
        make(house)
        return values, body

    return ready


def _publish(house: House) -> tuple[Any, Any]:
    house.under_way()
    return ("tour",), {"token": house.longer(), "in_flight": "move"}


def _rollback(house: House) -> tuple[Any, Any]:
    house.under_way()
    house.live(tour.LONGER)
    return ("tour",), {"version": 1, "in_flight": "pin", "token": house.planned(version=1, in_flight="pin")}


def _ask(house: House) -> tuple[Any, Any]:
    house.under_way()
    token = house.longer()
    house.asks_for_approval()
    return ("tour",), {"plan": token, "in_flight": "move"}


def _confirm(house: House) -> tuple[Any, Any]:
    made = house.approval()
    return ("tour", made["id"]), {"plan": made["plan"]}


def _decline(house: House) -> tuple[Any, Any]:
    return ("tour", house.approval()["id"]), {"reason": "not on a Friday"}


def _enroll(house: House) -> tuple[Any, Any]:
    house.live(tour.JOURNEY)
    house.put("/v1/customers/ann", {"attributes": {}})
    return ("tour",), {"customer": "ann"}


def _control(verb: str) -> Ready:
    return lambda house: ((house.under_way(), verb), {"past_hours": True, "reason": "asked"} if verb == "skip" else {})


def _of_operation(*before: str) -> Ready:
    def ready(house: House) -> tuple[Any, Any]:
        made = house.operation()
        for one in before:
            house.post(f"/v1/operations/{made}/{one}")
        return (made,), None

    return ready


def _topic(house: House) -> None:
    house.put("/v1/topics/news", {"name": "News"})


def _paused_topic(house: House) -> None:
    _topic(house)
    house.post("/v1/topics/news/pause")


def _published(house: House) -> None:
    house.live(tour.JOURNEY)


def _paused(house: House) -> None:
    _published(house)
    house.post("/v1/journeys/tour/pause")


def _held(house: House) -> None:
    house.post("/v1/lanes/hold", {"reason": "a copy"})


TO_DECIDING = (BroadcastStatus.PLANNING, BroadcastStatus.DECIDING)
LIFECYCLE = tour.JOURNEY.replace("journey: tour", "journey: tour\nlifecycle: true")

CALLS: Mapping[str, Ready] = {
    "/v1/journeys/{key}/plan": doing(_published, "tour"),
    "/v1/journeys/{key}/publish": _publish,
    "/v1/journeys/{key}/rollback": _rollback,
    "/v1/journeys/{key}/approvals": _ask,
    "/v1/journeys/{key}/approvals/{id}/confirm": _confirm,
    "/v1/journeys/{key}/approvals/{id}/decline": _decline,
    "/v1/journeys/{key}/versions/{number}/archive": doing(
        lambda house: house.live(tour.JOURNEY, tour.LONGER), "tour", 1
    ),
    "/v1/journeys/{key}/splits/{split}/winner": doing(
        lambda house: house.live(SPLIT), "tour", "tip", body={"winner": "a"}
    ),
    "/v1/journeys/{key}/pause": doing(_published, "tour"),
    "/v1/journeys/{key}/resume": doing(_paused, "tour"),
    "/v1/journeys/{key}/archive": doing(_published, "tour"),
    "/v1/journeys/{key}/simulate": doing(_published, "tour"),
    "/v1/journeys/{key}/enrollments": _enroll,
    "/v1/enrollments/{id}/move": after(House.under_way, {"stage": "paying"}),
    "/v1/enrollments/{id}/retry": after(House.stuck),
    "/v1/enrollments/{id}/{control}": _control("skip"),
    "/v1/templates/{key}/test": at("mail_a", body={"to": "me@example.com"}),
    "/v1/broadcasts/{key}/preview": doing(House.broadcast, "b"),
    "/v1/broadcasts/{key}/send": doing(House.broadcast, "b"),
    "/v1/broadcasts/{key}/pause": doing(lambda house: house.broadcast("send"), "b"),
    "/v1/broadcasts/{key}/resume": doing(lambda house: house.broadcast("send", "pause"), "b"),
    "/v1/broadcasts/{key}/cancel": doing(lambda house: house.broadcast("send"), "b"),
    "/v1/broadcasts/{key}/winner": doing(
        lambda house: house.broadcast("send", through=TO_DECIDING), "b", body={"variant": "a"}
    ),
    "/v1/messages/decide": doing(House.unsure, body={"as": "resend", "count": 1}),
    "/v1/messages/{id}/decide": doing(House.unsure, "m1", body={"as": "resend"}),
    "/v1/messages/{id}/send-now": after(House.held_by_hours, {"reason": "asked by phone"}),
    "/v1/topics/{key}/pause": doing(_topic, "news"),
    "/v1/topics/{key}/resume": doing(_paused_topic, "news"),
    "/v1/operations/{id}/pause": _of_operation(),
    "/v1/operations/{id}/resume": _of_operation("pause"),
    "/v1/operations/{id}/cancel": _of_operation(),
    "/v1/reports/value": at(),
    "/v1/reports/reconciliation/check": at(),
    "/v1/reports/reconciliation/repair": at(),
    "/v1/reports/funnel": at(body={"from": "event:Signed Up", "to": "event:Paid"}),
    "/v1/reports/cohorts": at(body={}),
    "/v1/reports/lifecycle": doing(lambda house: house.live(LIFECYCLE), body={"journey": "tour"}),
    "/v1/reports/lift": at(body={}),
    "/v1/lanes/hold": at(body={"reason": "a copy"}),
    "/v1/lanes/release": doing(_held),
    "/v1/hooks/{id}/retry": doing(House.hook, "h1"),
    "/v1/hooks/{id}/cancel": doing(House.hook, "h1"),
    "/v1/dispatches/{id}/retry": after(House.dispatch),
    "/v1/dispatches/{id}/cancel": after(House.dispatch),
    "/v1/keys": at(body={"name": "shop", "scopes": ["ingest"]}),
    "/v1/users": at(body={"email": "bea@shop.example", "name": "Bea", "roles": ["support"]}),
    "/v1/users/{id}/disable": after(House.user),
    "/v1/users/{id}/enable": after(House.disabled),
}
"""By path; the imports, whose files come in parts, stand beside."""

READING = frozenset({"/v1/journeys/validate", "/v1/templates/{key}/preview"})
"""What takes a key and changes nothing."""


def filled(path: str, values: Any) -> str:
    """The path with its values."""
    for one in values:
        head, _, rest = path.partition("{")
        path = f"{head}{one}{rest.partition('}')[2]}"
    return path


class Dead(Exception):
    """A process that has died says nothing more to its database."""


class Deaths:
    """Processes on a database that die right behind a commit; `changed` are the tables of each that was made."""

    def __init__(self, parts: Parts) -> None:
        self.changed = list[set[str]]()
        self._parts, self._open, self._lives = parts, set[str](), -1

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self._lives == 0:
            raise Dead
        verb, *more = statement.split(maxsplit=3)
        if verb in ("INSERT", "UPDATE", "DELETE"):
            self._open.add(more[0] if verb == "UPDATE" else more[1].strip('"'))

    def _committed(self, _session: Session) -> None:
        if made := self._open - {"api_key"}:
            self.changed.append(made)
            self._lives -= 1
        self._open.clear()

    @contextmanager
    def behind(self, commits: int) -> Iterator[list[set[str]]]:
        """The process dies behind so many commits that change something; with -1 it lives."""
        self.changed, self._lives = [], commits
        for engine in self._parts.database.engines:
            event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(Session, "after_commit", self._committed)
        try:
            yield self.changed
        finally:
            for engine in self._parts.database.engines:
                event.remove(engine, "before_cursor_execute", self._statement)
            event.remove(Session, "after_commit", self._committed)


def operations(parts: Parts) -> int:
    """How many there are."""
    with parts.database.reading() as session:
        return len(session.exec(select(Operation.id)).all())
