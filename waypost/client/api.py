"""The client: every call, each in the module of its subject. Names are those of the API's table."""

from waypost.client.administration import AdministrationCalls
from waypost.client.broadcasts import BroadcastCalls
from waypost.client.customers import CustomerCalls
from waypost.client.exports import ExportCalls
from waypost.client.ingestion import IngestionCalls
from waypost.client.journeys import JourneyCalls
from waypost.client.mail import MailCalls
from waypost.client.operations import OperationCalls
from waypost.client.reports import ReportCalls
from waypost.client.users import UserCalls


class Waypost(
    IngestionCalls,
    CustomerCalls,
    JourneyCalls,
    MailCalls,
    BroadcastCalls,
    ReportCalls,
    ExportCalls,
    OperationCalls,
    AdministrationCalls,
    UserCalls,
):
    """A connection to one Waypost at `url`, with a `key`; threads may share it. `timeout` is seconds for one attempt.

    Every call raises ApiProblem where the API refuses, and Unreachable where nothing answers.
    Customers are named by your id or their email address, everything else by its key or id. Times are ISO 8601, UTC.
    """
