"""Whatever is asked in whatever order, while everything runs: publish, move, pause, resume, erase, merge, controls.

Hypothesis drives the API over a store, wakes what waits and hands over what is due. After each step the books balance, and
nobody runs through the journey twice; no inbox gets more than the cap. WAYPOST_WORLD looks longer.
"""

import itertools
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import Session, col, select

from services.access.keys import api_keys
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from services.messages.sending.sending_ledger import AttemptResult
from services.reports.health import reconciliation
from store.statuses import ControlStatus, EnrollmentStatus, MessageStatus
from store.tables.enrollments import ControlRequest, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock, settings_for
from tests.http.tour import JOURNEY, LONGER, done, put
from tests.shells import Shell
from waypost.processes.api import build
from waypost.wiring import Parts

EXAMPLES, STEPS = (300, 50) if "WAYPOST_WORLD" in os.environ else (4, 20)
CAP, WINDOW = 2, timedelta(days=30)
PEOPLE = ("ann", "bob", "eve")
users = st.sampled_from(PEOPLE)


class EverythingAtOnce(RuleBasedStateMachine):
    """One installation."""

    migrated: ClassVar[Path]

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="waypost-"))
        templates = self.home / "templates"
        templates.mkdir()
        for key in ("mail_a", "mail_b", "mail_c"):
            (templates / f"{key}.html").write_text("{% extends '_layout.html' %}{% block subject %}x{% endblock %}")
        shutil.copy(self.migrated, self.home / "waypost.db")
        self.clock = HandClock()
        self.parts = Parts(settings_for(self.home, templates=templates), self.clock)
        with self.parts.database.writing() as session:
            key = api_keys.create(session, "x", ["admin"], self.clock())[1]
        self.client = TestClient(build(self.parts), headers={"Authorization": f"Bearer {key}"})
        self.client.__enter__()
        self.names, self.sent = itertools.count(), defaultdict[str, list[datetime]](list)
        self.shells: dict[str, Shell] = {}
        self.version = JOURNEY
        self._asked("PUT", "/v1/settings", json={"cap": {"max": CAP, "per": f"{WINDOW.days} days"}})
        put(self.client, JOURNEY)
        self._asked("POST", "/v1/journeys/tour/publish")
        for user in PEOPLE:
            self._track("identify", user, traits={"email": f"{user}@example.com"})

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.__exit__(None, None, None)
            self.parts.close()
            shutil.rmtree(self.home)

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        """An answer; what is refused is told as a problem, and nothing is a server's error."""
        answer = self.client.request(method, path, **more)
        assert answer.status_code < 500, answer.text
        return answer

    def _track(self, kind: str, user: str, **more: Any) -> None:
        body = {"userId": user, "messageId": f"m{next(self.names)}", **more}
        self._asked("POST", f"/v1/{kind}", json=body)

    def _enrollments(self) -> list[Enrollment]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(Enrollment).order_by(col(Enrollment.id))).all())

    # -- what happens --------------------------------------------------------------------------------------------------

    @rule(user=users, name=st.sampled_from(["Signed Up", "Paid"]))
    def something_happens(self, user: str, name: str) -> None:
        self._track("track", user, event=name)

    @rule(user=users)
    def two_turn_out_to_be_one(self, user: str) -> None:
        anonymous = f"a{next(self.names)}"
        event = {"anonymousId": anonymous, "event": "Signed Up", "messageId": f"m{next(self.names)}"}
        self._asked("POST", "/v1/track", json=event)
        self._track("identify", user, anonymousId=anonymous)

    @rule(user=users)
    def somebody_is_erased(self, user: str) -> None:
        asked = self._asked("DELETE", f"/v1/customers/{user}")
        if asked.status_code == 202:
            done(self.client, self.parts, asked.json())

    @rule(paused=st.booleans())
    def the_journey_is_paused_or_resumed(self, paused: bool) -> None:
        self._asked("POST", f"/v1/journeys/tour/{'pause' if paused else 'resume'}")

    @rule(move=st.booleans())
    def another_version_is_published(self, move: bool) -> None:
        self.version = LONGER if self.version == JOURNEY else JOURNEY
        put(self.client, self.version)
        body = {"in_flight": "pin"}
        if move:
            planned = self._asked("POST", "/v1/journeys/tour/plan", json={"in_flight": "move"})
            if planned.status_code != 202:
                return
            body = {"in_flight": "move", "token": done(self.client, self.parts, planned.json())["result"]["token"]}
        published = self._asked("POST", "/v1/journeys/tour/publish", json=body)
        operation = published.json().get("operation") if published.status_code == 200 else None
        if operation is not None:
            done(self.client, self.parts, operation)

    @rule(hours=st.sampled_from([0, 1, 80, 130]))
    def time_passes_and_everybody_wakes(self, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        for one in self._enrollments():
            if one.status == EnrollmentStatus.LIVE or one.id in self.shells:
                self.shells.setdefault(one.id, Shell(self.parts.database, one)).wake(self.clock())

    @rule()
    def mail_goes(self) -> None:
        self.parts.database.write(self._hand_over)

    def _hand_over(self, session: Session) -> None:
        now = self.clock()
        sending_ledger.take_over(session, "journey", "f", now)
        claimed = claiming.claim(session, "journey", "f", 50, now, OutgoingChannel(channel="p"))
        mails = [(self.parts.composer.compose(one, now), one.attempt) for one in claimed]
        going = sending_ledger.freeze(session, "journey", "f", mails, now)
        assert going == {one.send_id for one in claimed}
        accepted = [AttemptResult(send_id=one, status=MessageStatus.ACCEPTED, provider="p") for one in going]
        sending_ledger.record(session, "f", accepted, now)
        for mail, _ in mails:
            had = self.sent[mail.to] = [*self.sent[mail.to], now]
            assert len([at for at in had if at > now - WINDOW]) <= CAP, f"{mail.to} had {had}"

    # -- what holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "parts"):
            with self.parts.database.reading() as session:
                assert reconciliation.reconcile(session, recount=True)["balanced"]

    @invariant()
    def nobody_runs_twice(self) -> None:
        if hasattr(self, "parts"):
            live = Counter(one.customer_id for one in self._enrollments() if one.status == EnrollmentStatus.LIVE)
            with self.parts.database.reading() as session:
                leaving = on_their_way_out(session)
            assert all(count <= 1 + leaving[customer] for customer, count in live.items())

    @invariant()
    def no_mail_is_left_in_the_middle(self) -> None:
        if hasattr(self, "parts"):
            with self.parts.database.reading() as session:
                held = select(Message.id).where(col(Message.status).in_(["claimed", "sending", "unknown"]))
                assert session.exec(held).all() == []


def on_their_way_out(session: Session) -> Counter[str]:
    """How many runs of each customer are on their way out, by a merge."""
    asked = select(ControlRequest.customer_id).where(
        ControlRequest.verb == "exit", ControlRequest.status == ControlStatus.ASKED
    )
    return Counter(session.exec(asked).all())


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_whatever_is_asked_in_whatever_order(sqlite: Path) -> None:
    EverythingAtOnce.migrated = sqlite
    wanted = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=EXAMPLES < 100,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    run_state_machine_as_test(EverythingAtOnce, settings=wanted)
