"""A shop whose customers are placed by their orders: its journey, lines of its file, and where everybody stands."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from activities.operations import KINDS
from services.operations import operations
from services.operations.operations import PageOfWork
from services.values import Clock
from store.session import Database
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from store.tables.messages import Message
from store.tables.splits import Assignment
from tests.store.bulk_shop import asked_for, rows

BUYERS = """
journey: buyers
enter: [{on: Order}]
defaults: {topic: news}
start: first
stages:
  first:
    steps: [{send: mail_a}, {wait: 14 days}, {send: mail_b}]
    transitions: [{on: Order, to: repeat}, {inactive: 90 days, of: Order, to: lapsed}]
  repeat:
    steps:
      - split: {id: tip, variants: {short: {weight: 50, steps: [{wait: 1 day}]}, long: {weight: 50, steps: [{wait: 1 day}]}}}
      - send: mail_c
    transitions: [{inactive: 90 days, of: Order, to: lapsed}]
  lapsed:
    steps: [{wait: 400 days}, {send: mail_c}]
    transitions: [{on: Order, to: repeat}]
"""
ORDERS = (300, 250, 20)
"""How many days ago each of a customer's orders was."""


def asked_for_orders(database: Database, noon: datetime, lines: list[dict[str, Any]], journey: str | None) -> Operation:
    file = "\n".join(json.dumps(one) for one in lines)
    return asked_for(database, "import events", noon, file, format="ndjson", journey=journey)


def pages_of(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """The pages of an import, of which each is to be done before the next is asked for."""
    return iter(KINDS[operation.kind](database, operation, clock))


def import_orders(database: Database, noon: datetime, lines: list[dict[str, Any]], journey: str | None) -> Operation:
    """Import orders as the worker does it."""
    operation = asked_for_orders(database, noon, lines, journey)
    for page in pages_of(database, operation, lambda: noon):
        database.write(lambda session, page=page: operations.advance(session, operation.id, page))
    (done,) = rows(database, Operation, Operation.id == operation.id)
    return done


def orders(noon: datetime, *names: str, days: tuple[float, ...] = ORDERS) -> list[dict[str, Any]]:
    return [order(noon, name, ago) for name in names for ago in days]


def order(noon: datetime, name: str, ago: float) -> dict[str, Any]:
    at = (noon - timedelta(days=ago)).isoformat()
    return {"type": "track", "userId": name, "event": "Order", "messageId": f"{name}-{ago}", "timestamp": at}


def known(*names: str) -> list[dict[str, Any]]:
    return [{"type": "identify", "userId": name, "traits": {"email": f"{name}@example.com"}} for name in names]


def standing(database: Database) -> dict[str, tuple[str, str]]:
    """Stage and status of everybody in `buyers`, by their own ids; each of them has one run."""
    with database.reading() as session:
        joined = select(Customer.external_id, Enrollment.stage, Enrollment.status)
        joined = joined.join(Enrollment, col(Enrollment.customer_id) == Customer.id)
        found = session.exec(joined.where(Enrollment.journey == "buyers")).all()
    assert len({one[0] for one in found}) == len(found)
    return {one[0] or "": (one[1], one[2]) for one in found}


def left_behind(database: Database) -> list[int]:
    """How much there is of what placing makes."""
    tables = (Enrollment, Decision, Message, Interest, Assignment)
    return [*(len(rows(database, table)) for table in tables), len(rows(database, Dispatch, Dispatch.kind == "start"))]
