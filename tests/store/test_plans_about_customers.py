"""What is asked about some customers, some mails or one enrollment scans no large table."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

from store.queries.audiences import segments
from store.queries.consent import address_consents, consents
from store.queries.definitions import broadcasts
from store.queries.enrollment import controls, decisions, enrollments, interests, last_runs
from store.queries.feedback import engagements, pending_clicks
from store.queries.figures import credits
from store.queries.history import events, milestones, unreadable_values
from store.queries.identity import customers, identities
from store.queries.listing import timeline
from store.queries.mails import customer_mail, enrollment_mail, messages, unsure_messages
from store.queries.mails.unsure_messages import UnsureFilter
from store.queries.sending import hooks, restores
from store.queries.upkeep import due_work
from store.session import Database
from tests.conftest import NOON
from tests.store.query_plans import MILESTONES, assert_quick, is_scan
from value.orders import ORDER_EVENTS


def customer_questions(now: datetime) -> dict[str, Callable[[Session], Any]]:
    """What is asked about some customers, some mails or one enrollment: few rows, which may be sorted, as may those of one instant."""
    return {
        "events of the lost time that were said again": lambda s: restores.said_again(s, ["a", "b"]),
        "the mail that a cap counts": lambda session: list(
            customer_mail.counted_since(session, ["c", "d"], ["e"], now)
        ),
        "the mail planned beside": lambda session: customer_mail.planned_beside(session, "c", "e", "m"),
        "the mails before their orders": lambda session: list(credits.mails_between(session, ["c", "d"], now, now)),
        "their orders in the ledger": lambda session: credits.orders(session, [("c", "1"), ("d", "2")]),
        "what mails are credited with of their orders": lambda session: credits.of_orders(session, [("c", "1")]),
        "all their orders in the ledger": lambda session: credits.of_customer(session, "c"),
        "the topics they had mail about": lambda session: customer_mail.topics_had(session, "c"),
        "who had a broadcast": lambda session: broadcasts.had_by(session, ["b"], ["c", "d"], ["e"]),
        "which addresses a broadcast goes to": lambda session: broadcasts.going_to(session, "b", ["e", "f"]),
        "what was said at an inbox": lambda session: address_consents.at_addresses(session, ["e", "f"]),
        "what holds for customers and inboxes": lambda session: consents.said(session, ["c"], ["e"]),
        "who has an address": lambda session: customers.of_address(session, "e", 20),
        "who is named by a broadcast": lambda session: broadcasts.named_among(session, "b", ["c", "d"]),
        "who is in a segment": lambda session: segments.members_among(session, "s", ["c", "d"]),
        "where customers and inboxes are": lambda session: enrollments.live_places(session, ["c", "d"], ["e", "f"]),
        "who has an inbox": lambda session: customers.ids_by_email(session, ["e", "f"]),
        "their orders": lambda session: list(events.of_names(session, ["c", "d"], ORDER_EVENTS)),
        "their orders up to an event": lambda session: list(events.numbered_up_to(session, "c", 5, ORDER_EVENTS)),
        "their runs": lambda session: enrollments.of_customer(session, "c"),
        "their lifecycle stage": lambda session: enrollments.newest_stages(session, ["c"], ["j"]),
        "their last run": lambda session: enrollments.last_run(session, "j", "c"),
        "enrollments by their ids": lambda session: enrollments.by_ids(session, ["e", "f"]),
        "the last mail of a step": lambda session: enrollment_mail.last_of_step(session, "e", "s"),
        "the decisions of a run": lambda session: decisions.last_of(session, "e", 200),
        "the decisions of a step": lambda session: decisions.last_of(session, "e", 200, "s"),
        "where they have been": lambda session: decisions.last_of_customer(session, "c", 500),
        "their moves to other versions": lambda session: decisions.moves_of(session, ["e", "f"]),
        "who is on a version": lambda session: enrollments.live_on(session, "j", 1),
        "the refusals": lambda session: decisions.last_refusals(session, "c", "j", 200),
        "the timeline": lambda session: timeline.page(session, "c", None, 100),
        "their history": lambda session: list(events.of_customers(session, ["c", "d"], now, now)),
        "a page of everybody": lambda session: customers.page(session, "c", 500),
        "what an enrollment waits for": lambda session: interests.of_customers(session, ["c", "d"]),
        "all that they did": lambda session: list(events.whole_histories(session, ["c", "d"])),
        "their latest runs through a journey": lambda session: last_runs.of_customers(session, "j", ["c", "d"]),
        "who waits for an event": lambda session: enrollments.waiting(session, ["c", "d"], ["Order"]),
        "the hooks that nobody has taken": lambda session: hooks.not_delivered(session, "j"),
        "the steps whose hooks are stuck": hooks.stuck_by_step,
        "how often a mail was opened": lambda session: engagements.of_message(session, "m"),
        "clicks on some mails": lambda session: pending_clicks.of_messages(session, ["m", "n"]),
        "values that could not be read": lambda session: unreadable_values.listed(session, "2026-01-01"),
        "who is one of several ids": lambda session: identities.look_up(session, [("user", "17"), ("anonymous", "a")]),
        "the last hook of a step": lambda session: hooks.last_of_step(session, "e", "s"),
        "a hook that fails": lambda session: hooks.last_failing(session, "e"),
        "whether anything is due": lambda session: due_work.any_due(session, now, now),
        "unsure messages": lambda session: unsure_messages.ids(session, UnsureFilter(journey="j"), "m", 100),
        "what is asked of an enrollment": lambda session: controls.asked(session, "e"),
        "the milestones they reached": lambda session: list(
            milestones.reached(session, MILESTONES, ["c", "d"], now, now)
        ),
        "where their last runs stand": lambda session: milestones.last_runs(session, "j", ["c", "d"]),
        "their sources": lambda session: list(milestones.profiles(session, ["c", "d"])),
        "their variants": lambda session: milestones.variants(session, "j", "s", ["c", "d"]),
        "the mails of an enrollment": lambda session: messages.unclaimed(session, "e"),
    }


@pytest.mark.parametrize("question", customer_questions(NOON))
def test_what_is_asked_about_customers_scans_nothing(database: Database, noon: datetime, question: str) -> None:
    assert_quick(database, customer_questions(noon)[question], is_scan)
