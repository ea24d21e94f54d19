"""No list and no lane scans a large table, or sorts what it has found."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from services.reports.health import backlog
from services.reports.health.reconciliation import reconcile
from store import keyset
from store.queries.access import approvals
from store.queries.audiences import due_dates, rhythms, segments
from store.queries.definitions import broadcasts, plans, templates
from store.queries.enrollment import enrollments, live_enrollments
from store.queries.feedback import delivery_events, hand_overs, pending_clicks, survey_answers
from store.queries.figures import credits, currency_rates, mail_results, message_counts, series, variant_revenue
from store.queries.history import milestones, rejections
from store.queries.identity import customer_search, customers
from store.queries.listing import lists, live_selection
from store.queries.listing.lists import Slice
from store.queries.listing.live_selection import LiveFilter
from store.queries.mails import enrollment_mail, message_bodies, messages, outbox
from store.queries.sending import hooks, lanes
from store.session import Database
from store.statuses import MessageStatus
from tests.conftest import NOON
from tests.store.query_plans import ALL, MILESTONES, assert_quick, is_bad, is_scan, plan, watched

FILTERS: dict[Any, Sequence[str]] = {
    lists.messages: ("customer_id", "journey", "broadcast", "step", "status", "template"),
    lists.enrollments: ("journey", "stage", "step", "status", "customer_id"),
    lists.audit: ("kind", "target", "actor"),
    lists.approvals: ("journey", "status"),
    lists.rejections: ("type",),
    lists.suppressions: ("reason", "begins"),
    lists.operations: ("kind", "status"),
    lists.hooks: ("customer_id", "journey", "status"),
    lists.dispatches: ("status",),
}
STATUSES: dict[Any, str] = {lists.approvals: "open", lists.enrollments: "live", lists.dispatches: "stuck"}


def values(read: Any, names: Sequence[str]) -> dict[str, str]:
    """Something for each filter, a status that there is among them."""
    return {name: STATUSES.get(read, "failed") if name == "status" else "x" for name in names}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("read", FILTERS, ids=lambda read: read.__name__)
def test_a_list_has_an_index_for_every_filter(database: Database, read: Any, descending: bool) -> None:
    names = FILTERS[read]
    for count in range(len(names) + 1):
        for given in combinations(names, count):
            filters = values(read, given)
            assert_quick(
                database, lambda session, filters=filters: read(session, Slice(descending=descending), **filters)
            )


@pytest.mark.parametrize("descending", [False, True])
def test_events_are_listed_by_an_index_and_those_of_one_customer_and_instant_are_put_in_order(
    database: Database, descending: bool
) -> None:
    wanted = Slice(descending=descending)
    assert_quick(database, lambda session: lists.events(session, wanted))
    assert_quick(database, lambda session: lists.events(session, wanted, name="x"), is_scan)


LEAD = {
    lists.messages: ("customer_id", "broadcast", "step", "template", "journey", "status"),
    lists.enrollments: ("customer_id", "step"),
    lists.hooks: ("customer_id",),
}
"""The columns that find fewest rows, the best first."""


def searches(database: Database, ask: Callable[[Session], Any]) -> list[str]:
    """What is looked up in an index by SQLite, which knows nothing of the rows."""
    with watched(database) as asked, database.writing() as session:
        ask(session)
    with database.writing() as session:
        steps = [step for one in asked for step in plan(session, *one)]
    return [one for one in steps if one.startswith("SEARCH")]


@pytest.mark.parametrize("read", LEAD, ids=lambda read: read.__name__)
def test_of_many_filters_the_one_that_finds_fewest_has_the_index(database: Database, read: Any) -> None:
    if database.engine.dialect.name == "postgresql":
        return  # it knows how many rows each finds
    for given in (one for count in (1, 2, 3) for one in combinations(FILTERS[read], count)):
        best = next((name for name in LEAD[read] if name in given), None)
        filters = values(read, given)
        found = searches(database, lambda session, filters=filters: read(session, Slice(), **filters))
        assert best is None or f"({best}=?" in found[0], (given, found)


def test_what_waits_for_an_approver_is_found_by_an_index(database: Database) -> None:
    assert_quick(database, lambda session: approvals.waiting(session, 10))
    assert_quick(database, lambda session: approvals.open_of(session, "tour"))


def test_the_mails_of_enrollments_are_not_sought_among_those_of_a_template(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        statuses = [MessageStatus.ACCEPTED, MessageStatus.PLANNED]
        (found,) = searches(database, lambda session: list(enrollment_mail.of(session, ["e", "f"], ["t"], statuses)))
        assert "(enrollment_id=?" in found
        (found,) = searches(database, lambda session: list(enrollment_mail.decided(session, ["e", "f"])))
        assert "(enrollment_id=?" in found


def test_the_stage_of_a_customer_is_not_sought_among_everybodys(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        (found,) = searches(database, lambda session: enrollments.newest_stages(session, ["c"], ["lifecycle"]))
        assert "(customer_id=?" in found


def test_what_the_customers_of_a_page_reached_is_not_sought_in_the_whole_span(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        page = [f"c{number}" for number in range(500)]
        for since in (ALL.since, None):
            found = searches(
                database,
                lambda session, since=since: list(milestones.reached(session, MILESTONES, page, since, ALL.until)),
            )
            assert ["(customer_id=?" in one for one in found] == [True] * len(MILESTONES), found


SEARCHES: dict[str, dict[str, Any]] = {
    "everybody": {},
    "a beginning": {"query_text": "ann"},
    "several words": {"query_text": "Ann Mill"},
    "a stage": {"stage": "s"},
    "a segment": {"segment": "s"},
    "a beginning in a segment": {"query_text": "ann", "segment": "s"},
    "a stage and a segment": {"stage": "s", "segment": "s"},
}


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("sort", ["created", "email"])
@pytest.mark.parametrize("wanted", SEARCHES)
def test_customers_are_searched_by_an_index(
    database: Database, welcome: None, wanted: str, sort: str, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are put in order; among many the list is walked in its order."""
    monkeypatch.setattr(customer_search, "FEW", -1 if many else customer_search.FEW)
    given = {"query_text": None, "stage": None, "segment": None, "sort": sort, **SEARCHES[wanted]}
    cursor = keyset.write(["ann@shop.example", "cus_1"] if sort == "email" else ["cus_1"], CURSORS[sort], False)
    for place in (None, cursor):
        ask = partial(lists.customers, wanted=Slice(cursor=place), **given)
        sorts = not many or (sort == "email" and "query_text" in SEARCHES[wanted])
        assert_quick(database, ask, is_scan if sorts else is_bad)


CURSORS = {"email": ["email", "id"], "created": ["id"]}


def lane_questions(now: datetime) -> dict[str, Callable[[Session], Any]]:
    return {
        "when the next mail is due": lambda session: lanes.next_due(session, "journey"),
        "since when a mail is due": lambda session: lanes.oldest_due(session, "journey", now),
        "which journeys have mail": lambda session: list(lanes.journeys_with_planned(session, "journey")),
        "a journey's due mail": lambda session: lanes.due_of_journeys(
            session, "journey", {"j": (), "k": ("s",)}, ["news"], 10, now
        ),
        "a broadcast's due mail": lambda session: lanes.due_of_broadcasts(session, ["b", "c"], 10, now),
        "what nobody knows": lambda session: lanes.unknown(session, "journey", now, "", 100),
        "bodies whose time has passed": lambda session: message_bodies.forget(session, now, 100),
        "what was reported": lambda session: delivery_events.of_message(session, "m"),
        "what another owner has left": lambda session: messages.claimed_by_others(session, "journey", "mine"),
        "a customer by address": lambda session: customers.find(session, "ann@shop.example"),
        "the report on messages": lambda session: message_counts.outcomes(session, "j", now),
        "the mails of some days": lambda session: message_counts.by_day(session, now.date()),
        "the books": reconcile,
        "the backlog": lambda session: backlog.measure(session, now),
        "the series of a journey": lambda session: list(
            series.happened(session, "j", series.MOVED, now.date(), now.date())
        ),
        "who entered some journeys lately": lambda session: series.entered(session, ["j", "k"], now.date()),
        "who is stuck in some journeys": lambda session: live_enrollments.stuck(session, ["j", "k"]),
        "what came behind a series": lambda session: series.happened_after(session, "j", series.LEFT, now.date()),
        "the quartiles of a journey": lambda session: series.ever(session, "j"),
        "what mails brought": lambda session: list(mail_results.of_mails(session, None, None, "j")),
        "what mails brought on some days": lambda session: list(mail_results.of_mails(session, now.date(), now.date())),
        "the rates of some days": lambda session: currency_rates.known(session, "EUR", [("USD", "2026-03-02")]),
        "what mails brought, day by day": lambda session: list(
            mail_results.money_by_day(session, None, None, "j", None)
        ),
        "what mails brought, on each of some days": lambda session: list(
            mail_results.money_by_day(session, now.date(), now.date(), None, None)
        ),
        "what the variants of a journey brought": lambda session: variant_revenue.paid(session, "j"),
        "what they brought on each day": lambda session: variant_revenue.by_day(session, "j"),
        "the orders of some days": lambda session: mail_results.of_orders(session, now.date(), now.date()),
        "the days of mails that are over": lambda session: mail_results.close(session, "2026-03-02", 100),
        "the answers to a survey": lambda session: survey_answers.counted(session, "nps", None),
        "the answers to a survey in a journey": lambda session: survey_answers.counted(session, "nps", "j"),
        "the answer to a note": lambda session: hand_overs.get(session, "h"),
        "the answers to all notes": hand_overs.counted,
        "the days that are over": lambda session: series.close(session, "2026-03-02", 100),
        "the owners of mails": lambda session: messages.owners(session, ["m"]),
        "the mails that are pinned to a template": lambda session: templates.pinned_mails(session, "t"),
    }


@pytest.mark.parametrize("question", lane_questions(NOON))
def test_what_lanes_and_reports_ask_is_found_by_an_index(database: Database, noon: datetime, question: str) -> None:
    assert_quick(database, lane_questions(noon)[question])


def test_of_the_mails_of_a_template_only_those_that_wait_are_read_to_count_the_pinned(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        (found,) = searches(database, lambda session: templates.pinned_mails(session, "t"))
        assert "(template=? AND status=?)" in found


def page_questions(now: datetime) -> dict[str, Callable[[Session], Any]]:
    """What is read page by page, or asked again and again by parts that wait: nothing is sorted."""
    return {
        "the lines that were not taken": lambda session: lists.operation_errors(session, Slice(), "o"),
        "who is in a segment": lambda session: lists.members(session, Slice(), "s"),
        "a page of a segment": lambda session: segments.member_ids(session, "s", "c", 500),
        "the size of a segment": lambda session: segments.size(session, "s"),
        "the sizes of many segments": lambda session: segments.sizes(session, ["s", "t"], 1_000),
        "a page of a plan": lambda session: plans.page(session, "o", "e"),
        "a page of a plan, of one kind": lambda session: plans.page(session, "o", "e", "moves"),
        "whom a broadcast names": lambda session: broadcasts.named_ids(session, "b", "c", 500),
        "enrollments that are stuck": lambda session: lists.enrollments(session, Slice(), stuck=True),
        "a journey's that are stuck": lambda session: lists.enrollments(session, Slice(), journey="j", stuck=True),
        "the live ones of a journey": lambda session: enrollments.live_in(session, "j", "e", 500),
        "those on another version": lambda session: live_enrollments.elsewhere(session, "j", 2, "e", 500),
        "a page of those under way": lambda session: live_enrollments.page(session, "j", "e", 500),
        "those that no signal reached": lambda session: enrollments.overdue(session, now, 100),
        "when the next hook is due": hooks.next_due,
        "due hooks": lambda session: hooks.due(session, now, 100, [("d", "s")]),
        "hooks that another owner has left": lambda session: hooks.claimed_by_others(session, "mine", 100),
        "since when a hook is due": lambda session: hooks.overdue(session, now),
        "hooks that are stuck": hooks.stuck,
        "a page of the outbox": lambda session: outbox.page(session, 50, "m"),
        "what a broadcast has not sent": lambda session: messages.unclaimed_of_broadcast(session, "b", ["m"], 500),
        "dates that have come": lambda session: due_dates.due(session, now, 100),
        "clicks to be judged": lambda session: pending_clicks.first_by(session, now, 100),
        "a page of what customers bought": lambda session: customers.purchases_page(session, "c", 500),
        "a page of customers who have an address": lambda session: customers.with_address(session, "c", 500),
        "how many have an address": lambda session: customers.count_with_address(session, 20_001),
        "what customers ordered since a day": lambda session: list(
            credits.ordered_between(session, ["c", "d"], ALL.since, ALL.until)
        ),
        "what customers did since a day": lambda session: list(
            milestones.reached(session, MILESTONES[:1], ["c", "d"], ALL.since, ALL.until)
        ),
        "a page of a journey's enrollments": lambda session: enrollments.page_of_entries(session, "j", "e", 2_000),
        "when an event came last": lambda session: rhythms.last_event(session, "Bought", now),
        "when an event came first": lambda session: rhythms.first_event(session, "Bought"),
        "rejections whose time has passed": lambda session: rejections.forget(session, now, 100),
        **{
            f"{one.kind}s as they were reached": lambda session, one=one: milestones.page(
                session, one, ALL, (now, "c"), 9
            )
            for one in MILESTONES
        },
        **{
            f"how often a {one.kind} was reached": lambda session, one=one: milestones.count(session, one, ALL, 9)
            for one in MILESTONES
        },
    }


@pytest.mark.parametrize("question", page_questions(NOON))
def test_what_is_read_page_by_page_is_found_by_an_index(database: Database, noon: datetime, question: str) -> None:
    assert_quick(database, page_questions(noon)[question])


LIVE_FILTERS = {
    "everybody": LiveFilter(journey="j"),
    "a stage": LiveFilter(journey="j", stage="s"),
    "a step": LiveFilter(journey="j", step="p"),
    "a step of a stage": LiveFilter(journey="j", stage="s", step="p"),
    "the paused of a version": LiveFilter(journey="j", version=1, state="paused"),
    "the stuck": LiveFilter(journey="j", state="stuck"),
    "the stuck at a step": LiveFilter(journey="j", step="p", state="stuck"),
    "since a day": LiveFilter(journey="j", since=NOON),
    "since a day in a stage": LiveFilter(journey="j", stage="s", since=NOON),
    "a version": LiveFilter(journey="j", version=1),
    "a version in a stage since a day": LiveFilter(journey="j", version=1, stage="s", since=NOON),
    "the paused": LiveFilter(journey="j", state="paused"),
    "a step of a version": LiveFilter(journey="j", step="p", version=1),
}
FOUND_BY = {
    "since a day": "ix_enrollment_since",
    "a version": "ix_enrollment_version",
    "the paused": "ix_enrollment_held",
}
"""The index of what is found nowhere else without looking at everybody."""


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("wanted", LIVE_FILTERS)
def test_those_under_way_are_found_by_an_index(database: Database, wanted: str, descending: bool) -> None:
    given = LIVE_FILTERS[wanted]
    assert_quick(database, lambda session: live_selection.page(session, given, Slice(descending=descending)))
    assert_quick(database, lambda session: live_selection.ids(session, given, "e", 500))
    assert_quick(database, lambda session: live_selection.alike(session, given, ["e"]))


@pytest.mark.parametrize("wanted", FOUND_BY)
def test_few_under_way_are_found_without_a_look_at_the_others(database: Database, wanted: str) -> None:
    with watched(database) as asked, database.writing() as session:
        live_selection.page(session, LIVE_FILTERS[wanted], Slice(descending=True))
    with database.writing() as session:
        (steps,) = (plan(session, statement, parameters) for statement, parameters in asked)
    assert FOUND_BY[wanted] in " ".join(steps)


FEW = {
    "who is stuck in any journey": (live_enrollments.stuck, "ix_enrollment_stuck"),
    "who is stuck in one": (partial(live_enrollments.stuck, journeys=["j"]), "ix_enrollment_stuck"),
    "where a customer is": (partial(enrollments.live_places, customer_ids=["c"], emails=[]), "ix_enrollment_customer"),
}


@pytest.mark.parametrize("question", FEW)
def test_on_sqlite_which_knows_nothing_of_the_rows_few_are_found_by_the_index_of_those_few(
    sqlite: Path, tmp_path: Path, question: str
) -> None:
    ask, index = FEW[question]
    database = Database(f"sqlite:///{shutil.copy(sqlite, tmp_path / 'waypost.db')}")
    with watched(database) as asked, database.writing() as session:
        ask(session)
    with database.writing() as session:
        (steps,) = (plan(session, statement, parameters) for statement, parameters in asked)
    database.close()
    assert index in " ".join(steps)
