"""Reports."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge.report_tables import FORMS
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.schemas.hand_overs import HandOverReport
from api.schemas.mail_report import MailsReport
from api.schemas.operations import OperationOut
from api.schemas.reports import LifecycleReport, MessageCountOut, MessagesReport, SilenceReport
from api.schemas.surveys import SurveyReport
from api.schemas.value import CustomerValueReport
from services.reports.conversion import paged_report
from services.reports.conversion.entry_cohorts import EntryCohorts, EntryCohortsQuestion
from services.reports.health import silence_report
from services.reports.lifecycle import journey_report, lifecycle_report, lifecycle_series
from services.reports.measures.periods import PeriodLength
from services.reports.results import hand_over_report, mail_report, survey_report, value_report
from services.reports.results.mail_report import MailGrouping
from services.upkeep.clocks import value_clock

router = APIRouter(prefix="/v1/reports", tags=["reports"], **FORMS)

ReportedJourney = Annotated[
    str | None, Query(max_length=63, description="a journey; without it the lifecycle journey, or all")
]


@router.get("/lifecycle", summary="Customers per stage", responses=responses(409, 422))
def lifecycle(
    session: Reading,
    caller: Support,
    now: Now,
    journey: ReportedJourney = None,
    cohorts: Annotated[
        bool, Query(description="by month of entry too; of more than 20,000 enrollments it is an operation: POST")
    ] = False,
    since: Annotated[date | None, Query(alias="from", description="the first day of the series")] = None,
    until: Annotated[date | None, Query(alias="to", description="its last day; without it today")] = None,
    by: Annotated[
        PeriodLength | None, Query(description="a series by day (where nothing is said), week or month")
    ] = None,
) -> LifecycleReport:
    """Stages, steps, movements and the time in each stage, of the lifecycle journey or of `journey`.

    With `by`, `from` or `to` also its series: what each day's transactions have kept.
    """
    found = lifecycle_report.lifecycle(session, journey)
    if cohorts and found["journey"]:
        asked = EntryCohortsQuestion(journey=found["journey"])
        found["cohorts"] = paged_report.at_once(session, EntryCohorts(session, asked, now))["cohorts"]
    if found["journey"] and (by or since or until):
        found["series"] = lifecycle_series.lifecycle_series(session, found["journey"], since, until, by or "day", now)
    return LifecycleReport(**found)


@router.get("/messages", summary="Messages by status and reason", responses=responses(422))
def messages(
    session: Reading,
    caller: Support,
    journey: ReportedJourney = None,
    since: Annotated[AwareDatetime | None, Query(description="planned on the UTC day of this, or later")] = None,
) -> MessagesReport:
    """Every mail is counted once, with the reason why it did not go."""
    found = journey_report.messages(session, journey, since)
    return MessagesReport(messages=[MessageCountOut(**one) for one in found])


@router.get("/mails", summary="What mails are worth", responses=responses(422))
def mails(
    session: Reading,
    caller: Support,
    now: Now,
    by: Annotated[MailGrouping, Query(description="how mails are put together; `mail` is by all of it")] = "mail",
    journey: Annotated[str | None, Query(max_length=63, description="a journey's mails alone")] = None,
    broadcast: Annotated[str | None, Query(max_length=63, description="a broadcast's mails alone")] = None,
    since: Annotated[date | None, Query(alias="from", description="mails accepted on this day or later")] = None,
    until: Annotated[date | None, Query(alias="to", description="the last day; without it today")] = None,
) -> MailsReport:
    """Sent, delivered, opened, clicked, unsubscribed, complained, converted, and the orders credited to them.

    An order is credited to the mails that were accepted within the time of their journey's goal before it. Refunds and
    cancellations take back what was credited. Currencies are never added up.
    """
    found = mail_report.mails(session, by, now, journey=journey, broadcast=broadcast, since=since, until=until)
    return MailsReport.model_validate(found)


@router.get("/surveys", summary="What customers answer", responses=responses())
def surveys(
    session: Reading,
    caller: Support,
    survey: Annotated[str | None, Query(description="one survey alone: nps, csat, ces or your own")] = None,
    journey: ReportedJourney = None,
) -> SurveyReport:
    """Answers by survey, and by journey, version and stage of their mails; NPS with its interval."""
    return SurveyReport.model_validate(survey_report.answers(session, survey, journey))


@router.get("/hand-overs", summary="How colleagues answer to notes", responses=responses(422))
def hand_overs(session: Reading, caller: Support, journey: ReportedJourney = None) -> HandOverReport:
    """Notes by mail, by journey and step: sent, taken, done, not interested, unanswered, and the time to answer."""
    return HandOverReport.model_validate(hand_over_report.hand_overs_by_step(session, journey))


@router.get("/value", summary="What customers are worth", responses=responses())
def value(session: Reading, caller: Support) -> CustomerValueReport:
    """The last nightly fit of how often customers order and for how much, and how well it foretold what came."""
    return CustomerValueReport.model_validate(value_report.last_fit(session))


@router.post("/value", status_code=202, summary="Fit what customers are worth", responses=responses())
def fit_value(session: Writing, caller: Marketer, now: Now) -> OperationOut:
    """The fit that each night makes, now: an operation to watch; what it finds is what GET answers, and guards read."""
    return operation_out(value_clock.ask(session, now, caller.id), now)


@router.get("/silences", summary="What has stopped happening", responses=responses())
def silences(session: Reading, caller: Support) -> SilenceReport:
    """Events that do not come, journeys that send nothing, new names that resemble an awaited one: of the last hour."""
    return SilenceReport.model_validate(silence_report.silences(session))
