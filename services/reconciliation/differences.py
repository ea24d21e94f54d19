"""The differences that can be found, each with what it means and how it is repaired; and how many there are of each.

A table, from which the documentation's is generated. It must not know how a difference is looked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_EXAMPLES = 5
"""Examples that are kept of a kind in one place."""


class DifferenceKind(StrEnum):
    """Two places that should say the same, and do not."""

    ENROLLMENT_WITHOUT_WORKFLOW = "enrollment_without_workflow"
    WORKFLOW_OF_ENDED_ENROLLMENT = "workflow_of_ended_enrollment"
    WORKFLOW_WITHOUT_ENROLLMENT = "workflow_without_enrollment"
    OPERATION_WITHOUT_WORKFLOW = "operation_without_workflow"
    DISPATCH_OF_NOBODY = "dispatch_of_nobody"
    MAIL_OF_NOBODY = "mail_of_nobody"
    MAIL_WENT_UNRECORDED = "mail_went_unrecorded"
    MAIL_NOT_CAUGHT = "mail_not_caught"
    MAIL_WITHOUT_BODY = "mail_without_body"
    CUSTOMER_LOST = "customer_lost"
    EVENT_LOST = "event_lost"
    EVENT_COUNT = "event_count"
    EVENT_NUMBER = "event_number"
    DECISION_LOST = "decision_lost"
    WRONG_INTEREST = "wrong_interest"
    LIVE_COUNT = "live_count"
    ENDED_COUNT = "ended_count"
    MOVEMENT_COUNT = "movement_count"
    DAY_COUNT = "day_count"
    STAY_COUNT = "stay_count"
    STAY_SECONDS = "stay_seconds"
    CONVERSION_COUNT = "conversion_count"
    UNKNOWN_DATE_COUNT = "unknown_date_count"
    VARIANT_COUNT = "variant_count"
    VARIANT_CONVERSION_COUNT = "variant_conversion_count"
    VARIANT_BUYER_COUNT = "variant_buyer_count"
    VARIANT_REVENUE = "variant_revenue"
    MESSAGE_COUNT = "message_count"
    MESSAGE_DAY_COUNT = "message_day_count"
    RETURN_COUNT = "return_count"
    MAIL_RESULT_COUNT = "mail_result_count"


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceMeaning:
    """What a difference is, and what its repair does; `repair` is None where a person has to look."""

    told: str
    repair: str | None


_K = DifferenceKind

MEANINGS: Mapping[DifferenceKind, DifferenceMeaning] = {
    _K.ENROLLMENT_WITHOUT_WORKFLOW: DifferenceMeaning(
        told="a live enrollment whose workflow does not run, and is not on its way to Temporal",
        repair="a workflow begins where the enrollment stands; its past is not run again",
    ),
    _K.WORKFLOW_OF_ENDED_ENROLLMENT: DifferenceMeaning(
        told="a workflow that runs, though its enrollment ended more than ten minutes ago",
        repair="the workflow is ended",
    ),
    _K.WORKFLOW_WITHOUT_ENROLLMENT: DifferenceMeaning(
        told="a workflow that runs for an enrollment that is not there, as where an older copy was restored",
        repair="the workflow is ended, so that its id is free",
    ),
    _K.OPERATION_WITHOUT_WORKFLOW: DifferenceMeaning(
        told="an operation that is asked for or worked on, and whose workflow does not run",
        repair="it is begun again, behind what was done already",
    ),
    _K.DISPATCH_OF_NOBODY: DifferenceMeaning(
        told="a start or a signal on its way for an enrollment that is not there",
        repair="it is taken away",
    ),
    _K.MAIL_OF_NOBODY: DifferenceMeaning(
        told="a mail that waits for an enrollment that is not there, or has ended and will not plan it again",
        repair="it is skipped (`exited`)",
    ),
    _K.MAIL_WENT_UNRECORDED: DifferenceMeaning(
        told="a mail that the outbox has, or a provider has reported, and that the ledger does not call accepted; one "
        "that is unknown after an hour, in which its lane asks for evidence",
        repair="it is accepted; one that was skipped or has failed is for a person",
    ),
    _K.MAIL_NOT_CAUGHT: DifferenceMeaning(
        told="a mail that the ledger says the outbox has, and that is not there",
        repair=None,
    ),
    _K.MAIL_WITHOUT_BODY: DifferenceMeaning(
        told="a mail that was given to a provider, and of which it is not kept what it said and where its links lead",
        repair="it is put on record that nothing is kept of it; what it said cannot be had but from a backup",
    ),
    _K.CUSTOMER_LOST: DifferenceMeaning(
        told="a customer who is not there, and of whom there are enrollments, events, mails or decisions",
        repair="they are made again, with what their events tell; the id by which your product knew them is in no "
        "place that is left, so look for them in a backup first",
    ),
    _K.EVENT_LOST: DifferenceMeaning(
        told="an event that is counted with its customer, and is not there",
        repair="the loss is put on record in the customer's timeline (`events_lost`), and what is counted of it stays; "
        "an event cannot be made again, and where nobody has acted on it a person moves the enrollment",
    ),
    _K.EVENT_COUNT: DifferenceMeaning(
        told="what is counted of a customer's events of a name is not how many there are",
        repair="count, sum, first and last are counted anew from the events",
    ),
    _K.EVENT_NUMBER: DifferenceMeaning(
        told="a customer's next event would have a number that one of theirs has, so none could be taken in",
        repair="the number is set to the last event's",
    ),
    _K.DECISION_LOST: DifferenceMeaning(
        told="a decision that an enrollment has numbered, and that is not there",
        repair="one that says so (`lost`) is put in its place; what was decided cannot be had but from a backup",
    ),
    _K.WRONG_INTEREST: DifferenceMeaning(
        told="a live enrollment that is not registered for the events it waits for, or for others",
        repair="it is registered anew, and looks at what has come meanwhile",
    ),
    _K.LIVE_COUNT: DifferenceMeaning(
        told="the count of those who stand at a step is not how many stand there",
        repair="the count is set to the rows",
    ),
    _K.ENDED_COUNT: DifferenceMeaning(
        told="the count of runs that ended for a reason is not how many ended",
        repair="the count is set to the rows and those who were erased",
    ),
    _K.MOVEMENT_COUNT: DifferenceMeaning(
        told="the count of moves from stage to stage is not how many decisions tell of",
        repair="the count is set to the decisions",
    ),
    _K.DAY_COUNT: DifferenceMeaning(
        told="the days of a series do not add up to what the decisions tell of",
        repair="the days are told again from the decisions",
    ),
    _K.STAY_COUNT: DifferenceMeaning(
        told="how long stages lasted is not counted as the decisions and the ended runs tell it, by day or in all",
        repair="the days, and all days together, are told again from them",
    ),
    _K.STAY_SECONDS: DifferenceMeaning(
        told="the seconds that were spent in a stage before a move are not those that the decisions tell of",
        repair="the sum is set to the decisions",
    ),
    _K.CONVERSION_COUNT: DifferenceMeaning(
        told="the count of goals that were reached, by the mail that is credited, is not how many decisions tell of",
        repair="the count is set to the decisions",
    ),
    _K.UNKNOWN_DATE_COUNT: DifferenceMeaning(
        told="the count of dates that were waited for and nobody could tell is not how many decisions tell of",
        repair="the count is set to the decisions",
    ),
    _K.VARIANT_COUNT: DifferenceMeaning(
        told="the count of customers who were given a variant is not how many have it",
        repair="the count is set to the rows, by the weights that were last counted, else last published",
    ),
    _K.VARIANT_CONVERSION_COUNT: DifferenceMeaning(
        told="the count of customers who reached the goal with a variant is not how many did",
        repair="the count is set to the rows",
    ),
    _K.VARIANT_BUYER_COUNT: DifferenceMeaning(
        told="the count of a variant's customers who paid, in all or so much in a currency, is not how many did",
        repair="the count is set to the rows",
    ),
    _K.VARIANT_REVENUE: DifferenceMeaning(
        told="what a variant's customers brought, in the smallest units of a currency, is not what their rows say",
        repair="the sums by day and by amount are set to the rows",
    ),
    _K.MESSAGE_COUNT: DifferenceMeaning(
        told="the count of messages of a kind is not how many rows there are",
        repair="the count is set to the rows and those who were erased",
    ),
    _K.MESSAGE_DAY_COUNT: DifferenceMeaning(
        told="the count of messages that were planned on a day is not how many rows there are",
        repair="the count is set to the rows",
    ),
    _K.RETURN_COUNT: DifferenceMeaning(
        told="the count of a journey's, broadcast's or topic's messages that arrived, were opened, clicked or "
        "complained about is not what the messages and their reports tell",
        repair="the count is set to what they tell",
    ),
    _K.MAIL_RESULT_COUNT: DifferenceMeaning(
        told="what is counted of a kind of mail (sent, delivered, opened, clicked, unsubscribed, complained, "
        "converted) is not what the messages, their reports and their outcomes tell",
        repair="its days, months and whole are told again from them",
    ),
}


@dataclass(slots=True)
class FoundDifference:
    """How many of a kind there are in one place (a journey, …), and how many of them were repaired or could not be."""

    kind: DifferenceKind
    place: str
    count: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list[str])


class Findings:
    """What a check has found until now, as an operation keeps it."""

    def __init__(self, kept: Sequence[Mapping[str, Any]] = ()) -> None:
        names = ("place", "count", "repaired", "examples")
        read = [FoundDifference(DifferenceKind(one["kind"]), *(one[name] for name in names)) for one in kept]
        self._found = {(one.kind, one.place): one for one in read}

    def add(self, kind: DifferenceKind, place: str, examples: Sequence[str], count: int, repaired: int) -> None:
        """So many more, of which so many were repaired."""
        found = self._found.setdefault((kind, place), FoundDifference(kind, place))
        found.count += count
        found.repaired += repaired
        found.examples = [*found.examples, *examples][:MOST_EXAMPLES]

    def as_json(self) -> list[dict[str, Any]]:
        """By kind and place, with what each means."""
        return [
            {
                "kind": str(one.kind),
                "place": one.place,
                "count": one.count,
                "repaired": one.repaired,
                "examples": list(one.examples),
                "told": MEANINGS[one.kind].told,
                "repair": MEANINGS[one.kind].repair,
            }
            for _, one in sorted(self._found.items())
        ]
