"""What mails are worth: orders are credited to the mails before them and taken back with them, to the cent."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import select, text

from services.attribution import checking
from services.installation import installation_settings
from services.installation.installation_settings import AttributionIn, InstallationSettings
from services.jobs import fit_value
from services.operations import operations
from services.reports.health.reconciliation import reconcile
from store.queries.figures import mail_results
from store.queries.mails import messages
from store.queries.upkeep import backfills
from store.session import Database
from store.statuses import MessageStatus
from store.tables.attribution import CreditedOrder, MailCredit, MailOutcome
from store.tables.messages import Message
from store.tables.unreadable_values import UnreadableExample
from tests.store import bulk_shop
from tests.store.mailed_shop import counted_anew, customer_id, order, report, reported, revenue, send
from tests.store.town import Town

Ingest = Callable[..., Any]
DAY = timedelta(days=1)


def adds_up(database: Database) -> None:
    with database.writing() as session:
        assert checking.differences(session) == {}


def shop(database: Database, take: Ingest, noon: datetime) -> None:
    """Ann had three mails on three days."""
    take({"type": "identify", "userId": "ann"})
    for number, name in enumerate(("a", "b", "c")):
        send(database, name, noon + number * DAY)


def test_an_order_is_credited_to_the_mails_before_it_by_each_model(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 100), at=noon + 2 * DAY)
    assert revenue(database, noon) == {"a-t": (0, 100, 33.34), "b-t": (0, 0, 33.33), "c-t": (100, 0, 33.33)}
    found = report(database, noon)
    assert found["orders"] == [{"currency": "EUR", "orders": 1, "amount": 100, "credited": 100, "without_amount": 0}]
    assert [(one["template"], one["sent"], one["converted"]["count"]) for one in found["mails"]] == [
        ("a-t", 1, 0), ("b-t", 1, 0), ("c-t", 1, 1),
    ]  # fmt: skip
    adds_up(database)


def test_an_order_of_somebody_who_was_mailed_long_ago_is_no_mails(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 100), at=noon + 2 * DAY + 7 * DAY + timedelta(seconds=1))
    take(order("2", 50, user="bob"), at=noon + 3 * DAY)
    found = report(database, noon)
    assert [one["revenue"] for one in found["mails"]] == [[], [], []]
    assert found["orders"] == [{"currency": "EUR", "orders": 2, "amount": 150, "credited": 0, "without_amount": 0}]
    adds_up(database)


def test_the_window_is_that_of_the_goal_of_the_mails_journey(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    text = "journey: spring\nenter: [{on: A}]\ngoal: {on: Order Completed, within: 1 day}\ndefaults: {topic: news}\n"
    publish("spring", f"{text}start: s\nstages: {{s: {{steps: [{{send: mail_a}}], final: true}}}}\n")
    take({"type": "identify", "userId": "ann"})
    send(database, "of the journey", noon)
    send(database, "of a broadcast", noon - 2 * DAY, journey="", broadcast="summer")
    take(order("1", 10), at=noon + DAY + timedelta(seconds=1))
    assert revenue(database, noon) == {"of a broadcast-t": (10, 10, 10)}
    assert report(database, noon)["windows"] == {"days": 7.0, "journeys": {"spring": 1.0}, "transactional": False}


def test_transactional_mail_is_credited_where_the_settings_say_so_and_a_bounced_one_never(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take({"type": "identify", "userId": "ann"})
    send(database, "receipt", noon, lane="transactional")
    send(database, "bounced", noon)
    with database.writing() as session:
        session.get_one(Message, "bounced").delivery = "bounced"
    take(order("1", 10), at=noon)
    assert revenue(database, noon) == {}
    with database.writing() as session:
        said = AttributionIn(window="1 hour", transactional=True)
        installation_settings.save(session, InstallationSettings(attribution=said), noon)
    take(order("2", 7), at=noon + timedelta(hours=1))
    assert revenue(database, noon) == {"receipt-t": (7, 7, 7)}


def test_refunds_take_back_in_proportion_and_a_cancellation_all_of_it(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 100), order("2", 10.01), at=noon + 2 * DAY)
    take(order("1", 33.33, name="Order Refunded"), at=noon + 900 * DAY)
    assert revenue(database, noon) == {
        "a-t": (0, 76.68, 25.57), "b-t": (0, 0, 25.56), "c-t": (76.68, 0, 25.55),
    }  # fmt: skip
    take(order("2", None, name="Order Cancelled"), order("1", -66.67, name="Order Refunded"), at=noon + 901 * DAY)
    assert revenue(database, noon) == {"a-t": (0, 0, 0), "b-t": (0, 0, 0), "c-t": (0, 0, 0)}
    assert [one["converted"]["count"] for one in report(database, noon)["mails"]] == [0, 0, 0]
    take(order("1", 5, name="Order Refunded"), at=noon + 902 * DAY)  # more than there was
    assert revenue(database, noon)["c-t"] == (0, 0, 0)
    adds_up(database)


def test_a_refund_may_come_before_its_order_and_an_order_twice(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 30, name="Order Refunded"), order("2", None, name="Order Cancelled"), at=noon + DAY)
    take(order("1", 100), order("1", 100), order("2", 50), at=noon + 2 * DAY)
    take(order("1", 999), at=noon + 3 * DAY)
    assert revenue(database, noon)["c-t"] == (70, 0, 23.33)
    found = report(database, noon)
    assert found["orders"] == [{"currency": "EUR", "orders": 1, "amount": 70, "credited": 70, "without_amount": 0}]
    adds_up(database)


def test_an_order_told_years_late_belongs_to_the_mails_of_its_own_time(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    late = {**order("old", 40), "timestamp": (noon + DAY).isoformat()}
    take(late, at=noon + 3 * 365 * DAY)
    assert revenue(database, noon) == {"a-t": (0, 40, 20), "b-t": (40, 0, 20)}
    adds_up(database)


def test_currencies_are_never_summed_and_what_is_not_understood_is_counted(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take({"type": "identify", "userId": "ann"})
    send(database, "a", noon)
    take(
        order("1", 10), order("2", 1000, currency="JPY"), order("3", -5), order("4", None),
        order("1", 4, currency="USD", name="Order Refunded"), order("5", 3, currency=None), order(None, 2),
        order(None, 1, name="Order Refunded"),
        at=noon,
    )  # fmt: skip
    (line,) = report(database, noon)["mails"]
    assert {one["currency"]: one["last"] for one in line["revenue"]} == {"EUR": 12, "JPY": 1000, "unstated": 3}
    (euro, yen, unstated) = report(database, noon)["orders"]
    assert euro == {"currency": "EUR", "orders": 4, "amount": 12, "credited": 12, "without_amount": 2}
    assert (yen["amount"], unstated["amount"]) == (1000, 3)
    with database.reading() as session:
        told = {(one.source, one.field, one.value) for one in session.exec(select(UnreadableExample)).all()}
    assert told == {
        ("event Order Completed", "amount", "-5.0"), ("event Order Completed", "amount", "(missing)"),
        ("event Order Refunded", "currency", "USD"), ("event Order Refunded", "order_id", "(missing)"),
    }  # fmt: skip
    adds_up(database)


def test_a_mail_converts_once_by_a_goal_and_by_orders(
    database: Database, town: Town, publish: Callable[[str, str], None], noon: datetime
) -> None:
    text = "journey: trial\nenter: [{on: Signed Up}]\ngoal: {on: Order Completed, within: 9 days}\n"
    publish(
        "trial",
        f"{text}defaults: {{topic: news}}\nstart: s\nstages: {{s: {{steps: [{{send: mail_a}}, {{wait: 30 days}}]}}}}\n",
    )
    town.identify(email="ann@example.com")
    town.event("Signed Up")
    with database.writing() as session:
        (mail,) = session.exec(select(Message)).all()
        mail.accepted_at = noon
        messages.change(session, mail, MessageStatus.ACCEPTED, noon)
    for number in ("1", "2"):
        town.event("Order Completed", order_id=number, total=5, currency="EUR")
    (line,) = report(database, noon)["mails"]
    assert (line["sent"], line["converted"]["count"], line["revenue"][0]["last"]) == (1, 1, 10)
    (outcome,) = town.rows(MailOutcome)
    assert (outcome.goals, outcome.orders) == (2, 2)
    for number in ("1", "2"):
        town.event("Order Cancelled", order_id=number)
    (line,) = report(database, noon)["mails"]
    assert (line["converted"]["count"], line["revenue"][0]["last"]) == (1, 0)  # the goal was reached all the same


def test_two_profiles_that_merge_keep_their_credits_and_an_order_of_both_counts_once(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take({"type": "identify", "userId": "ann"}, {"type": "identify", "userId": "eve"})
    send(database, "a", noon)
    send(database, "e", noon, user="eve")
    take(order("both", 10), order("mine", 3), order(None, 2), at=noon + timedelta(hours=1))
    take(order("both", 10, user="eve"), order("hers", 4, user="eve"), order(None, 1, user="eve"), at=noon + DAY)
    take(order("both", 2, user="eve", name="Order Refunded"), at=noon + DAY)
    take({"type": "alias", "userId": "ann", "previousId": "eve"}, at=noon + 2 * DAY)
    assert revenue(database, noon) == {"a-t": (13, 13, 13), "e-t": (5, 5, 5)}
    with database.reading() as session:
        assert len(session.exec(select(CreditedOrder)).all()) == 5
    take(order("hers", 4, name="Order Refunded"), at=noon + 3 * DAY)
    assert revenue(database, noon)["e-t"] == (1, 1, 1)
    adds_up(database)


def test_of_an_erased_customer_the_sums_stay_and_the_rows_go(database: Database, take: Ingest, noon: datetime) -> None:
    shop(database, take, noon)
    take(order("1", 100), at=noon + 2 * DAY)
    before = report(database, noon)
    with database.writing() as session:
        operation = operations.start(session, "erase", {"customer": customer_id(session, "ann")}, noon)
    bulk_shop.work(database, operation, noon)
    assert report(database, noon) == before
    with database.reading() as session:
        left = [session.exec(select(table)).all() for table in (CreditedOrder, MailCredit, MailOutcome, Message)]
    assert left == [[], [], [], []]
    adds_up(database)


def test_what_was_bought_before_there_was_a_ledger_is_credited_once_and_its_refunds_are_not_lost(
    database: Database, take: Ingest, town: Town, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 100), order("2", 50), at=noon + 2 * DAY)
    with database.writing() as session:
        for table in (CreditedOrder, MailCredit, MailOutcome):
            for row in session.exec(select(table)).all():
                session.delete(row)
        session.connection().exec_driver_sql("DELETE FROM mail_result WHERE what <> 'sent'")
        backfills.start(session, "credits", "", noon)
    take(order("1", 40, name="Order Refunded"), order("3", 7), order("3", 7), at=noon + 3 * DAY)
    town.upkeep()
    assert revenue(database, noon)["c-t"][0] == 117
    town.upkeep()
    take(order("2", 50, name="Order Refunded"), at=noon + 4 * DAY)
    assert revenue(database, noon)["c-t"][0] == 67
    adds_up(database)


def test_a_night_checks_the_counts_and_the_books_tell_what_is_wrong(
    database: Database, take: Ingest, noon: datetime
) -> None:
    shop(database, take, noon)
    take(order("1", 100), at=noon + 2 * DAY)
    with database.writing() as session:
        assert reconcile(session)["revenue"] == {"checked_at": None, "differences": {}}
        session.connection().exec_driver_sql(
            "UPDATE mail_result SET count = count + 1 WHERE day = '' AND what = 'revenue_last'"
        )
        session.connection().exec_driver_sql("UPDATE credited_order SET worth = 9999")
        operation = operations.start(session, "fit value", {}, noon)
    with database.writing() as session:
        next(iter(fit_value.pages(database, operation, lambda: noon)))(session)  # type: ignore[operator]
    with database.reading() as session:
        books = reconcile(session)
        assert (books["balanced"], reconcile(session, recount=True)["revenue"]["differences"]) == (
            False, books["revenue"]["differences"],
        )  # fmt: skip
    assert books["revenue"] == {
        "checked_at": noon.isoformat(),
        "differences": {
            "last_EUR_counted_but_not_credited": 1, "last_EUR_of_mails_but_not_of_orders": 1,
            "orders_not_credited_whole": 1,
        },
    }  # fmt: skip


def test_revenue_is_the_orders_credited_part_to_the_cent_on_a_made_shop(
    database: Database, take: Ingest, noon: datetime
) -> None:
    """Counted anew from the rows: 25 customers, three mails each now and then, orders, repeats and refunds."""
    draw = random.Random(18)
    users = [f"u{number}" for number in range(25)]
    take(*({"type": "identify", "userId": user} for user in users))
    told: list[tuple[datetime, Any]] = []
    for user in users:
        for number in range(draw.randrange(4)):
            at = noon + draw.randrange(12 * 24) * timedelta(hours=1)
            send(database, f"{user}-{number}", at, user=user, template=draw.choice("xyz"))
        for number in range(draw.randrange(5)):
            at = noon + draw.randrange(15 * 24) * timedelta(hours=1)
            total, currency = draw.randrange(1, 20_000) / 100, draw.choice(("EUR", "EUR", "USD"))
            bought = order(f"{user}-o{number}", total, user=user, currency=currency)
            told += [(at, bought)] * draw.choice((1, 1, 2))
            if draw.random() < 0.4:
                back = draw.choice((total, round(total / 3, 2)))
                later = at + draw.randrange(-5, 90) * DAY
                said = order(f"{user}-o{number}", back, user=user, currency=currency, name="Order Refunded")
                told.append((later, said))
    draw.shuffle(told)
    for at, said in told:
        take({**said, "timestamp": at.isoformat()}, at=noon + 200 * DAY)
    expected = counted_anew(database)
    assert len(expected) > 12
    assert reported(database, noon) == expected
    adds_up(database)


def test_a_mail_counts_on_the_day_on_which_it_was_accepted_in_the_zone_of_the_settings(
    database: Database, take: Ingest, noon: datetime
) -> None:
    with database.writing() as session:
        installation_settings.save(session, InstallationSettings(timezone="Pacific/Auckland"), noon)
    take({"type": "identify", "userId": "ann"})
    send(database, "a", datetime(2026, 3, 2, 12, tzinfo=UTC))  # the third of March there
    take(order("1", 10), at=noon + 5 * DAY)
    day = date(2026, 3, 3)
    now = noon + 30 * DAY
    (line,) = report(database, now, since=day, until=day)["mails"]
    assert (line["sent"], line["revenue"][0]["last"]) == (1, 10)
    assert report(database, now, since=day + DAY, until=day + 3 * DAY)["mails"] == []
    assert report(database, now, since=day + DAY, until=day + 3 * DAY)["told"] == "No mail was sent in this time."


def test_mails_are_put_together_by_what_is_asked_for(database: Database, take: Ingest, noon: datetime) -> None:
    take({"type": "identify", "userId": "ann"})
    send(database, "a", noon, stage="new", step="new/send:a")
    send(database, "b", noon, stage="new", step="new/send:b")
    send(database, "c", noon, journey="", broadcast="summer", variant="short")
    take(order("1", 10), at=noon)
    by_stage = report(database, noon, by="stage")["mails"]
    assert [(one["journey"], one["stage"], one["sent"]) for one in by_stage] == [("spring", "new", 2), ("", "", 1)]
    assert [one["variant"] for one in report(database, noon, by="variant", broadcast="summer")["mails"]] == ["short"]
    assert len(report(database, noon, by="mail", journey="spring")["mails"]) == 2


def test_mails_are_counted_by_the_source_of_their_customers_as_the_ledger_says(
    database: Database, take: Ingest, noon: datetime
) -> None:
    """Counted anew by SQL; what was kept before there were sources is still the same kind of mail."""
    take({"type": "identify", "userId": "ann"})
    for number, source in enumerate(("paid", "paid", None, "search", None, "paid")):
        send(database, f"m{number}", noon + number * DAY, template="t", source=source)
    take(order("1", 12.5), at=noon + 5 * DAY)
    with database.writing() as session:
        messages.erase(session, [session.get_one(Message, "m0")])
        session.flush()
        rows = session.connection().execute(text("SELECT coalesce(source, ''), count(*) FROM message GROUP BY 1"))
        ledger = Counter({row[0]: row[1] for row in rows}) + Counter({"paid": 1})  # the erased one counts for ever
    lines = report(database, noon, by="source", journey="spring")["mails"]
    assert {one["source"]: one["sent"] for one in lines} == ledger
    assert [(one["source"], one["revenue"][0]["last"]) for one in lines if one["converted"]["count"]] == [
        ("paid", 12.5)
    ]
    assert [one["sent"] for one in report(database, noon, by="template")["mails"]] == [6]
    before = mail_results.KindOfMail("spring", "", "", "", "t", "", "", "")
    assert before.id == hashlib.blake2b("\0".join(before[:-1]).encode(), digest_size=10).hexdigest()
    adds_up(database)


def test_a_span_is_whole_months_and_the_days_around_them() -> None:
    found = mail_results.spans_of(date(2026, 1, 30), date(2026, 4, 2))
    assert found == ["2026-01-30", "2026-01-31", "2026-02", "2026-03", "2026-04-01", "2026-04-02"]
    assert mail_results.spans_of(date(2025, 12, 1), date(2025, 12, 31)) == ["2025-12"]


def test_a_year_by_months_says_what_all_days_say(database: Database, take: Ingest, noon: datetime) -> None:
    shop(database, take, noon)
    take(order("1", 100), at=noon + 2 * DAY)
    year = report(database, noon + 400 * DAY, since=date(2026, 1, 1), until=date(2026, 12, 31))
    assert year["mails"] == report(database, noon)["mails"]
    days = report(database, noon + 400 * DAY, since=date(2026, 3, 2), until=date(2026, 3, 30))
    assert days["mails"] == year["mails"]
