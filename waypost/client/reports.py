"""Calls that ask how it goes: the lifecycle, and whether the books balance."""

from waypost.client import models as m
from waypost.client.connection import Connection


class ReportCalls(Connection):
    """Reports over the whole installation."""

    def lifecycle(
        self, journey: str | None = None, *, since: str | None = None, until: str | None = None, by: str | None = None
    ) -> m.LifecycleReport:
        """Customers per stage and step, movements, time in each stage; of the lifecycle journey, or of this one.

        With `since` or `until` (days such as `2026-03-02`) or `by` ("day", "week", "month") its series too.
        """
        asked = {"journey": journey, "from": since, "to": until, "by": by}
        return self.call("GET", "/v1/reports/lifecycle", params=asked)

    def value(self) -> m.CustomerValueReport:
        """The last nightly fit of how often customers order and for how much, and how well it foretold what came."""
        return self.call("GET", "/v1/reports/value")

    def reconciliation(self, journey: str | None = None, *, recount: bool = False) -> m.Reconciliation:
        """Whether the books balance, and each difference by its name; of one journey, or of all.

        With `recount` the kept counts are compared with the rows, which takes seconds where there are millions.
        """
        return self.call("GET", "/v1/reports/reconciliation", params={"journey": journey, "recount": recount})

    def reconcile(self, *, repair: bool = False) -> m.OperationOut:
        """Compare everything that is kept in several places, as an operation to `watch`; `repair` what differs."""
        return self.call("POST", f"/v1/reports/reconciliation/{'repair' if repair else 'check'}")
