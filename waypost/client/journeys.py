"""Calls about journeys and the enrollments in them."""

from collections.abc import Iterator
from typing import Any, Literal

from waypost.client import models as m
from waypost.client.connection import Connection, JsonObject


class JourneyCalls(Connection):
    """Journeys and enrollments."""

    def journeys(self, **filters: Any) -> Iterator[m.JourneyOut]:
        """Every journey by key; `filters`: `archived=True` for those too, `limit`."""
        return self._list("/v1/journeys", **filters)

    def journey(self, key: str) -> m.JourneyOut:
        """One journey: its draft, and the number of the version that is live."""
        return self.call("GET", "/v1/journeys/{}", key)

    def put_journey(
        self, key: str, definition: str, if_match: str | None = None, based_on: int | None = None
    ) -> m.DraftOut:
        """Store a draft, as YAML or JSON text of at most 1 MB; returns it with its warnings.

        `based_on` is the `revision` of the draft that was read. Raises ApiProblem `invalid-journey`, with
        `body["problems"]`: each with path, line, and what would be right; `draft-conflict`, with `body["stored"]` and
        `body["given"]`, where somebody else's draft would be lost.
        """
        params = {"based_on": based_on} if based_on is not None else {}
        return self._put("/v1/journeys/{}", key, content=definition.encode(), if_match=if_match, params=params).body

    def versions(self, key: str, **filters: Any) -> Iterator[m.VersionListed]:
        """The published versions, the newest first, each with what it changed; `filters`: `sort`, `limit`."""
        return self._list("/v1/journeys/{}/versions", key, **filters)

    def version(self, key: str, number: int) -> m.VersionWhole:
        """One version with its definition."""
        return self.call("GET", "/v1/journeys/{}/versions/{}", key, str(number))

    def archive_version(self, key: str, number: int) -> m.VersionOut:
        """Let nobody go back to a version; raises ApiProblem `refused` while somebody is under way on it."""
        return self.call("POST", "/v1/journeys/{}/versions/{}/archive", key, str(number))

    def diff(self, key: str, a: int | Literal["draft"], b: int | Literal["draft"]) -> m.VersionDiff:
        """What `b` changes of `a`: each change in a sentence, and line by line in `text`."""
        return self.call("GET", "/v1/journeys/{}/versions/{}...{}", key, str(a), str(b))

    def plan(self, key: str, asked: JsonObject | None = None) -> m.OperationOut:
        """Foresee a publish: an operation, to `watch` or `wait` for; its result has counts, warnings and the token.

        `asked` is what `PlanIn` says: `version`, `definition`, `beside`, `in_flight`, `moves`, `on_change`, `again`, ….
        """
        return self.call("POST", "/v1/journeys/{}/plan", key, json=asked or {})

    def publish(
        self, key: str, in_flight: Literal["pin", "move"] | None = None, token: str | None = None
    ) -> m.Published:
        """Make the draft the live version; `created` is false where this very definition was live already.

        With the `token` of a plan those who are under way do as was planned, by the operation in the answer where they
        go over; `pin` lets nobody go over, whatever the plan tells. Raises ApiProblem `plan-drifted` where they have
        changed since.
        """
        return self.call("POST", "/v1/journeys/{}/publish", key, json={"in_flight": in_flight, "token": token})

    def ask_approval(
        self, key: str, plan: str | None = None, in_flight: Literal["pin", "move"] | None = None, note: str = ""
    ) -> m.ApprovalOut:
        """Ask that the draft be published as its plan (the token) has told; without one where it never was.

        `in_flight` is the plan's where nothing is said; `pin` asks that nothing of a move happens.
        """
        body = {"plan": plan, "in_flight": in_flight, "note": note}
        return self.call("POST", "/v1/journeys/{}/approvals", key, json=body)

    def approvals(self, key: str, **filters: Any) -> Iterator[m.ApprovalOut]:
        """What was asked about a journey, the newest first; `filters`: `status`, `sort`, `limit`."""
        return self._list("/v1/journeys/{}/approvals", key, **filters)

    def approve(self, key: str, request: str, plan: str | None) -> m.Published:
        """Publish as it was asked for, with this plan of the request.

        Raises ApiProblem `plan-drifted` where those under way have changed since.
        """
        return self.call("POST", "/v1/journeys/{}/approvals/{}/confirm", key, request, json={"plan": plan})

    def decline(self, key: str, request: str, reason: str = "") -> m.ApprovalOut:
        """Say no, and why; whoever asked withdraws it by this."""
        return self.call("POST", "/v1/journeys/{}/approvals/{}/decline", key, request, json={"reason": reason})

    def roll_back(
        self, key: str, version: int, in_flight: Literal["pin", "move"] | None = None, token: str | None = None
    ) -> m.Published:
        """Publish an older version again; the plan whose `token` is given was asked for with that `version`.

        `in_flight` as for `publish`.
        """
        body = {"version": version, "in_flight": in_flight, "token": token}
        return self.call("POST", "/v1/journeys/{}/rollback", key, json=body)

    def change_journey(
        self, key: str, change: Literal["pause", "resume", "archive"], body: JsonObject | None = None
    ) -> m.JourneyOut:
        """Park everybody, let them go on, or let nobody in any more; with `{"stage": …}` pause or resume a stage alone.

        With `resume`, `{"late": "send" | "skip" | "next_window"}` says what becomes of mails that are overdue.
        With `archive` and the body `{"in_flight": "exit"}` those under way leave at once.
        """
        return self.call("POST", "/v1/journeys/{}/{}", key, change, json=body)

    def resume_plan(self, key: str, **asked: str | None) -> m.ResumePlanOut:
        """What would go if a paused journey were resumed now: mails by step, with what becomes of them.

        `late`, `stage`, `enrollment`: what the resume would say of what is overdue, and what alone would be resumed.
        """
        return self.call("GET", "/v1/journeys/{}/resume-plan", key, params=asked)

    def journey_report(self, key: str) -> m.JourneyReport:
        """Who entered, where they are, how they left, what was sent, and which goals were reached."""
        return self.call("GET", "/v1/journeys/{}/report", key)

    def journey_report_as(self, form: str, key: str, table: str) -> str:
        """One of the lists of a journey's report as text, `csv` or `ndjson`; such as `experiments.variants`."""
        return self.call("GET", "/v1/journeys/{}/report", key, params={"format": form, "table": table})

    def decide_split(self, key: str, split: str, winner: str) -> m.ExperimentOut:
        """Close an experiment: whoever comes to the split from now on takes the winner.

        Raises ApiProblem `refused` where it is decided already, for another variant or by the definition.
        """
        return self.call("POST", "/v1/journeys/{}/splits/{}/winner", key, split, json={"winner": winner})

    def enroll(self, journey: str, customer: str, data: JsonObject | None = None) -> m.EnrollmentOut:
        """Enroll one customer; guards and templates read `data` as `enrollment`.

        Raises ApiProblem `refused` where the journey's re-entry rule keeps them out.
        """
        body = {"customer": customer, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enroll_segment(self, journey: str, segment: str, data: JsonObject | None = None) -> m.OperationOut:
        """Enroll everybody who is in a segment: an operation, to `watch` or `wait` for."""
        body = {"segment": segment, "data": data or {}}
        return self.call("POST", "/v1/journeys/{}/enrollments", journey, json=body)

    def enrollments(self, **filters: Any) -> Iterator[m.EnrollmentOut]:
        """In the order they were made; `filters`: `journey`, `stage`, `step`, `status`, `customer`, `sort`, `limit`."""
        return self._list("/v1/enrollments", **filters)

    def forecast(self, enrollment: str) -> m.Forecast:
        """The next actions of an enrollment with their local times, if nothing happens, and what would change each.

        Raises ApiProblem `temporal-unavailable` where no worker answers.
        """
        return self.call("GET", "/v1/enrollments/{}/forecast", enrollment)

    def control(
        self,
        enrollment: str,
        verb: Literal["pause", "resume", "skip", "exit"],
        reason: str = "",
        late: Literal["send", "skip", "next_window"] | None = None,
    ) -> m.EnrollmentOut:
        """Pause, resume, skip the step that is waited in, or exit; `reason` is kept with the decision.

        With `resume`, `late` is what becomes of a mail that is overdue, in place of what its step says.

        Returns when it is done. Raises ApiProblem `refused` with the reason where it cannot be.
        """
        return self.call("POST", "/v1/enrollments/{}/{}", enrollment, verb, json={"reason": reason, "late": late})

    def retry(self, enrollment: str) -> m.EnrollmentOut:
        """Try one again, at once, whose every wake ends in an error; `exit` gives it up.

        Raises ApiProblem `refused` where it is not stuck, or is so still.
        """
        return self.call("POST", "/v1/enrollments/{}/retry", enrollment)

    def move(self, enrollment: str, stage: str, step: str | None = None, reason: str = "") -> m.EnrollmentOut:
        """Move one to a stage of its version, at a step: its id, or as it is called within the stage; else the first.

        The stage is entered anew, so its mails may go again. Returns when it is done. Raises ApiProblem `refused` or
        `invalid-input`.
        """
        body = {"stage": stage, "step": step, "reason": reason}
        return self.call("POST", "/v1/enrollments/{}/move", enrollment, json=body)
