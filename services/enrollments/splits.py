"""The variants that customers have of splits: looked up for the core, remembered, and credited with conversions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.facts.customer_facts import EventFacts
from journeys.machine.commands import Decide
from journeys.program.nodes import NodeId, SplitNode
from journeys.program.program import Program
from journeys.rules import split_answers
from journeys.rules.split_answers import KnownSplits
from services.attribution import variant_revenue
from store import bulk
from store.queries.enrollment import assignments
from store.queries.enrollment.live_enrollments import EnrollmentRow
from store.queries.figures import counts
from store.tables.enrollments import Enrollment

GIVEN = ("assigned", "held_out")
"""Decisions of a split that gave somebody a variant. One that says `why` gave nothing that was new."""


def known(session: Session, customer_id: str, journey: str) -> KnownSplits:
    """What a customer has of a journey's splits, and which of those are decided."""
    given, winners = assignments.known(session, customer_id, journey)
    return KnownSplits(given=given, winners=winners)


def of(session: Session, those: Sequence[Enrollment | EnrollmentRow]) -> Mapping[str, KnownSplits]:
    """The same for these enrollments, by their ids, in a set."""
    given = assignments.of_customers(session, {one.customer_id for one in those})
    won = assignments.winners(session)
    return {
        one.id: KnownSplits(given=given.get((one.customer_id, one.journey), {}), winners=won.get(one.journey, {}))
        for one in those
    }


def remember(session: Session, program: Program, enrollment: Enrollment, record: Decide) -> None:
    """Keep the variant that a split gave to somebody who came to it for the first time."""
    node = program.nodes[NodeId(record.step or "")]
    assert isinstance(node, SplitNode)
    weights = {one.name: one.weight for one in node.variants}
    split, variant = str(record.detail["split"]), str(record.detail["variant"])
    assignments.add(session, [assignments.row(enrollment.customer_id, enrollment.journey, split, variant, record.at)])
    label = counts.of_variant(split, variant, weights)
    counts.tally(session).count(enrollment.id, enrollment.journey, counts.ASSIGNED, label)


def of_the_past(customer_id: str, journey: str, past: Iterable[Decide]) -> Iterator[bulk.ColumnValues]:
    """What an imported history has given a new customer. Experiments do not count it: nobody was sent anything."""
    first: dict[str, Decide] = {}
    for one in past:
        if one.what in GIVEN and "why" not in one.detail:
            first.setdefault(str(one.detail["split"]), one)
    for split, one in first.items():
        yield assignments.row(customer_id, journey, split, str(one.detail["variant"]), one.at, counted=False)


def credit(session: Session, enrollment: Enrollment, event: EventFacts | None, at: datetime) -> None:
    """The customer reached the goal at `at`, by this event: a conversion of each variant that they had by then.

    A customer converts once; what the events of the goal are worth is added up.
    """
    tally = counts.tally(session)
    those = assignments.counted_of(session, enrollment.customer_id, enrollment.journey)
    for one in those:
        if one.converted_at is None:
            one.converted_at = at
            tally.count(enrollment.id, one.journey, counts.VARIANT_CONVERTED, counts.of_variant(one.split, one.variant))
        session.add(one)
    if event is not None:
        variant_revenue.credit(session, those, event)


def decided(session: Session, program: Program) -> Program:
    """The program with the winners that are on record for its journey, for whoever runs it on past events."""
    if not split_answers.has_splits(program):
        return program
    return split_answers.decided(program, assignments.winners(session).get(program.journey, {}))
