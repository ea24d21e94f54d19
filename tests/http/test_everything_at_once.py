"""Whatever is asked in whatever order of one installation: events, merges, erasures, a past that is imported, publishing
(people pinned, or moved), pauses of the journey, pause, resume, skip, move, exit and retry of one, all but the last of a
stage, holds.

Hypothesis makes one call of the API after another over a SQLite file (who comes at the same moment is in
`tests/store/test_at_once.py`, what dies in `tests/world`), works off its operations, wakes enrollments in front of their
workflows, has the workflows follow, hands mails over, and lets days pass. After each step the books balance, no customer,
event, decision or body is missing, each enrollment is registered for what it waits for, and nobody runs through the
journey twice; no inbox gets more than the cap, nothing goes while all is held, nobody is mailed for a past that is
imported, and whom a person has paused stays where they are. Each workflow arrives where the wakes did. WAYPOST_DEEP looks
longer.
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
from services.enrollments.controls import bulk_controls
from services.enrollments.controls.bulk_controls import BulkRequest, BulkVerb
from services.enrollments.waking import wake
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.claiming import OutgoingChannel
from services.messages.sending.sending_ledger import AttemptResult
from services.operations import operations
from services.reconciliation import event_facts, lost_rows
from services.reports.health import reconciliation
from store.queries.listing.live_selection import LiveFilter
from store.statuses import ControlStatus, EnrollmentStatus, MessageStatus
from store.tables.enrollments import ControlRequest, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock, settings_for
from tests.http.tour import JOURNEY as UNNAMED
from tests.http.tour import done, put
from tests.shells import Shell
from waypost.processes.api import build
from waypost.wiring import Parts

EXAMPLES, STEPS = (300, 50) if "WAYPOST_DEEP" in os.environ else (8, 25)
JOURNEY = UNNAMED.replace("{wait: 3 days}", "{id: rest, wait: 3 days}")
LONGER = JOURNEY.replace("3 days", "5 days")
CAP, WINDOW = 2, timedelta(days=30)
PEOPLE = ("ann", "bob", "eve")
PAST = (*PEOPLE, "old", "older")
"""Who has a history in a file: customers, and such as nobody knows yet."""

VERBS = ("pause", "resume", "skip", "exit")
PLACES = (("trial", None), ("trial", "trial/send:mail_b"), ("paying", None))
users = st.sampled_from(PEOPLE)
which = st.integers(min_value=0, max_value=5)


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
        self.version, self.held = JOURNEY, False
        self.stands: dict[str, tuple[str, str | None]] = {}
        """Where those stand whom a person has paused."""
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

    def _shell(self, one: Enrollment) -> Shell:
        """The workflow of an enrollment; the first time it begins where the enrollment stands."""
        if one.id not in self.shells:
            self.shells[one.id] = Shell(self.parts.database, one)
            self.shells[one.id].wakes = one.wakes
        return self.shells[one.id]

    def _chosen(self, which: int) -> str | None:
        """One of the enrollments, live or ended; None while there are none."""
        ids = [one.id for one in self._enrollments()]
        return ids[which % len(ids)] if ids else None

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

    @rule(which=which, verb=st.sampled_from(VERBS))
    def one_enrollment_is_controlled(self, which: int, verb: str) -> None:
        id = self._chosen(which)
        if id is None:
            return
        asked = self._asked("POST", f"/v1/enrollments/{id}/{verb}")
        assert asked.status_code in (200, 409), asked.text
        if asked.status_code == 200 and verb == "exit":
            assert asked.json()["status"] == "ended"
        self._who_is_paused()

    @rule(which=which, place=st.sampled_from(PLACES))
    def one_enrollment_is_moved(self, which: int, place: tuple[str, str | None]) -> None:
        id = self._chosen(which)
        if id is None:
            return
        asked = self._asked("POST", f"/v1/enrollments/{id}/move", json={"stage": place[0], "step": place[1]})
        assert asked.status_code in (200, 409), asked.text
        if asked.status_code == 200:
            assert asked.json()["stage"] == place[0]
        self._who_is_paused()

    @rule(verb=st.sampled_from([*VERBS, "move"]))
    def all_in_a_stage_are_controlled(self, verb: BulkVerb) -> None:
        wanted = LiveFilter(journey="tour", stage="trial")
        asked = BulkRequest(verb=verb, wanted=wanted, to=("paying", None) if verb == "move" else None)
        with self.parts.database.writing() as session:
            started = operations.start(session, bulk_controls.KIND, asked.as_json(), self.clock()).id
        assert done(self.client, self.parts, {"id": started})["status"] == "done"
        self.time_passes_and_everybody_wakes(0)
        self._who_is_paused()

    def _who_is_paused(self) -> None:
        paused = (one for one in self._enrollments() if one.paused_by == "person")
        self.stands = {one.id: (one.stage, one.step) for one in paused if one.status == EnrollmentStatus.LIVE}

    @rule(days=st.lists(st.integers(min_value=1, max_value=20), min_size=1, max_size=4), bought=st.booleans())
    def a_past_is_imported(self, days: list[int], bought: bool) -> None:
        """Nobody is mailed for what is past, and who is in the journey already is left alone."""
        lines = ["userId,event,timestamp,messageId"]
        for user, ago in zip(PAST[-len(days) :], days, strict=True):
            for name, at in (("Signed Up", ago), ("Paid", ago - 1))[: 2 if bought else 1]:
                stamp = (self.clock() - timedelta(days=at, minutes=1)).isoformat()
                lines.append(f"{user},{name},{stamp},p{next(self.names)}")
        before = {one.id for one in self._enrollments()}
        asked = self._asked("POST", "/v1/imports?kind=events&journey=tour", content="\n".join(lines).encode())
        assert asked.status_code == 202, asked.text
        assert done(self.client, self.parts, asked.json())["status"] == "done"
        placed = {one.id for one in self._enrollments()} - before
        with self.parts.database.reading() as session:
            mails = session.exec(select(Message).where(col(Message.enrollment_id).in_(placed))).all()
        assert {(one.status, one.reason) for one in mails} <= {(MessageStatus.SKIPPED, "imported")}

    @rule(hold=st.booleans())
    def all_lanes_are_held_or_let_go(self, hold: bool) -> None:
        body = {"json": {"reason": "to look"}} if hold else {}
        self._asked("POST", f"/v1/lanes/{'hold' if hold else 'release'}", **body)
        self.held = hold

    @rule(hours=st.sampled_from([0, 1, 80, 130]))
    def time_passes_and_everybody_wakes(self, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        for one in self._enrollments():
            self._shell(one).wake(self.clock())

    @rule()
    def everybody_is_waked_ahead_of_their_workflows(self) -> None:
        ids = [one.id for one in self._enrollments() if one.status == EnrollmentStatus.LIVE]
        self.parts.database.write(lambda session: wake.lead(session, ids, self.clock()))

    @rule(which=which)
    def a_wake_has_failed_and_a_person_has_it_tried_again(self, which: int) -> None:
        id = self._chosen(which)
        if id is None:
            return
        self.parts.database.write(lambda session: wake.set_aside(session, id, "ValueError: no", self.clock()))
        asked = self._asked("POST", f"/v1/enrollments/{id}/retry")
        assert asked.status_code in (200, 409), asked.text
        if asked.status_code == 200:
            assert asked.json()["stuck"] is None

    @rule()
    def mail_goes(self) -> None:
        self.parts.database.write(self._hand_over)

    def _hand_over(self, session: Session) -> None:
        now = self.clock()
        sending_ledger.take_over(session, "journey", "f", now)
        claimed = claiming.claim(session, "journey", "f", 50, now, OutgoingChannel(channel="p"))
        assert not (claimed and self.held), "all is held"
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
    def each_enrollment_has_a_workflow(self) -> None:
        """From where it stood first; what is done ahead of it after that it is to follow."""
        if hasattr(self, "parts"):
            for one in self._enrollments():
                self._shell(one)

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "parts"):
            with self.parts.database.reading() as session:
                assert reconciliation.reconcile(session, recount=True)["balanced"]

    @invariant()
    def nothing_is_missing(self) -> None:
        if hasattr(self, "parts"):
            with self.parts.database.reading() as session:
                assert event_facts.missed_page(session, "")[2] == []
                assert event_facts.wrong_page(session, "")[2] == []
                assert lost_rows.wrong_interests(session, "").found == []
                assert lost_rows.lost_decisions(session, "").found == []
                assert lost_rows.mails_without_body(session, "").found == []

    @invariant()
    def whom_a_person_has_paused_stays(self) -> None:
        if hasattr(self, "parts"):
            live = {one.id: one for one in self._enrollments() if one.paused_by == "person"}
            there = {id: (live[id].stage, live[id].step) for id in self.stands if id in live}
            assert there == {id: place for id, place in self.stands.items() if id in live}

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
