"""Calls that ask how it goes: the lifecycle, and whether the books balance."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from waypost.client import models as m
from waypost.client.operations import OperationCalls
from waypost.errors import ApiProblem, NotDone

TOO_MANY = "too_many"
"""The rule that refuses to count so many while somebody waits."""

Progress = Callable[[m.OperationOut], None]
"""Is told how far an operation is."""


class ReportCalls(OperationCalls):
    """Reports over the whole installation."""

    def lifecycle(
        self, journey: str | None = None, *, since: str | None = None, until: str | None = None, by: str | None = None
    ) -> m.LifecycleReport:
        """Customers per stage and step, movements, time in each stage; of the lifecycle journey, or of this one.

        With `since` or `until` (days such as `2026-03-02`) or `by` ("day", "week", "month") its series too.
        """
        asked = {"journey": journey, "from": since, "to": until, "by": by}
        return self.call("GET", "/v1/reports/lifecycle", params=asked)

    def funnel(self, chain: Sequence[str], *, on_progress: Progress | None = None, **asked: Any) -> m.FunnelReport:
        """How many come along a chain of milestones (`event:NAME`, `stage:KEY`, `entry`), how fast, where the rest is.

        `asked` is `within`, `journey`, `since`, `until`, `by`, `split`. Where there are too many to count at once it is
        an operation, which is waited for.
        """
        begin, *via, to = chain
        wanted = {"from": begin, "via": via, "to": to, **_said(asked)}
        return self._counted("/v1/reports/funnel", wanted, on_progress)

    def cohorts(self, *, on_progress: Progress | None = None, **asked: Any) -> m.CohortReport:
        """Who comes back, by the month or week in which they began.

        `asked` is `first`, `returning`, `by`, `journey`, `since`, `until`. Where there are too many to count at once it
        is an operation, which is waited for.
        """
        return self._counted("/v1/reports/cohorts", _said(asked), on_progress)

    def lift(
        self, event: str | None = None, *, since: str | None = None, on_progress: Progress | None = None
    ) -> m.LiftReport:
        """What marketing mail brings about: the control group beside everybody else who has an address.

        By an event, or by any order, since a day. Where there are too many to count at once it is an operation, which
        is waited for.
        """
        return self._counted("/v1/reports/lift", _said({"event": event, "from": since}), on_progress)

    def _counted(self, path: str, wanted: Mapping[str, Any], on_progress: Progress | None) -> Any:
        try:
            return self.call("GET", path, params=wanted)
        except ApiProblem as problem:
            if problem.status != 409 or problem.body.get("path") != TOO_MANY:
                raise
        asked: m.OperationOut = self.call("POST", path, json=wanted)
        return self._done(asked, on_progress)

    def _done(self, asked: m.OperationOut, on_progress: Progress | None) -> Any:
        shown = asked
        for shown in self.watch(asked["id"]):
            if on_progress is not None:
                on_progress(shown)
        if shown["status"] != "done":
            raise NotDone(f"the operation {shown['id']} is {shown['status']}: {shown['error'] or 'there is no report'}")
        return shown["result"]

    def silences(self) -> m.SilenceReport:
        """Events that do not come, journeys that send nothing, and new names that resemble an awaited one."""
        return self.call("GET", "/v1/reports/silences")

    def mails(
        self,
        by: str = "mail",
        *,
        journey: str | None = None,
        broadcast: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> m.MailsReport:
        """What came of mails and which orders are credited to them, put together by journey, template and so on.

        Of a journey or broadcast alone, or of the mails of some days (such as `2026-03-02`).
        """
        asked = {"by": by, "journey": journey, "broadcast": broadcast, "from": since, "to": until}
        return self.call("GET", "/v1/reports/mails", params=asked)

    def surveys(self, survey: str | None = None, *, journey: str | None = None) -> m.SurveyReport:
        """What customers answered: each survey, then by journey, version and stage; NPS with its interval."""
        return self.call("GET", "/v1/reports/surveys", params={"survey": survey, "journey": journey})

    def hand_overs(self, journey: str | None = None) -> m.HandOverReport:
        """Notes to colleagues by step: sent, answered how, and how soon; of one journey, or of all."""
        return self.call("GET", "/v1/reports/hand-overs", params={"journey": journey})

    def report_as(self, form: str, report: str, **asked: Any) -> str:
        """A report by its last name (`mails`, `lifecycle`, …) as text: `csv` or `ndjson`, one of its lists as a table.

        `table` names the list; the first one is meant where none is named. The rest is what the report itself takes.
        """
        return self.call("GET", "/v1/reports/{}", report, params={"format": form, **asked})

    def value(self) -> m.CustomerValueReport:
        """The last nightly fit of how often customers order and for how much, and how well it foretold what came."""
        return self.call("GET", "/v1/reports/value")

    def fit_value(self, *, on_progress: Progress | None = None) -> None:
        """Make now the fit that each night makes, and wait for it."""
        asked: m.OperationOut = self.call("POST", "/v1/reports/value")
        self._done(asked, on_progress)

    def reconciliation(self, journey: str | None = None, *, recount: bool = False) -> m.Reconciliation:
        """Whether the books balance, and each difference by its name; of one journey, or of all.

        With `recount` the kept counts are compared with the rows, which takes seconds where there are millions.
        """
        return self.call("GET", "/v1/reports/reconciliation", params={"journey": journey, "recount": recount})

    def reconcile(self, *, repair: bool = False) -> m.OperationOut:
        """Compare everything that is kept in several places, as an operation to `watch`; `repair` what differs."""
        return self.call("POST", f"/v1/reports/reconciliation/{'repair' if repair else 'check'}")


def _said(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}
