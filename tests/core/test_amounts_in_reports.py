"""Amounts in the sentences and tables of reports have the decimals of their currency: a yen has none, a dinar three."""

import io
import re
from collections import defaultdict
from typing import Any

import pytest
from rich.console import Console

from services.experiments import sentences
from services.reports.measures.main_currency import MainCurrency
from waypost.cli.tables import experiments, mail_report

AMOUNTS = [("JPY", "1,234"), ("EUR", "1,234.00"), ("KWD", "1,234.000")]
in_currencies = pytest.mark.parametrize(("currency", "written"), AMOUNTS)


@in_currencies
def test_of_the_sentence_on_the_main_currency(currency: str, written: str) -> None:
    units = 1_234 * 10 ** len(written.partition(".")[2])
    days = {(currency, "2026-03-02"): units}
    orders = defaultdict[str, dict[tuple[str, str], int]](dict, ordered=days, credited=days)
    told = MainCurrency(currency=currency, lines={}, orders=orders).told()["told"]
    assert f"the orders are {written}, mails are credited with {written}." in told


@in_currencies
def test_of_the_sentence_on_what_customers_spend(currency: str, written: str) -> None:
    found = {"currency": currency, "by": 1_234.0, "low": 1_234.0, "high": 1_234.0}
    (told,) = sentences.worth({"revenue": [found]})
    assert f"spends by +{written} {currency} (95%: +{written} to +{written})" in told


@in_currencies
def test_of_the_table_of_mails(currency: str, written: str) -> None:
    share = {"count": 0, "rate": None}
    line = dict.fromkeys(mail_report.NAMES) | dict.fromkeys(mail_report.SHARES, share)
    line |= {"journey": "tour", "sent": 1, "revenue_in_main": {"last": 1_234.0}}
    line |= {"revenue": [{"currency": currency, "last": 1_234.0}]}
    order = {"currency": currency, "orders": 2, "amount": 1_234.0, "credited": 1_234.0, "without_amount": 0}
    main = {"currency": currency, "told": ""}
    told = _printed(mail_report.print_mails, {"mails": [line], "orders": [order], "told": "", "main": main}, "last")
    assert f"2 orders in {currency}: {written}, credited {written}\n" in told
    assert re.findall(r"1,234[.\d]*", told) == [written] * 4, (
        "the revenue and its sum in the main currency, and the orders"
    )


@in_currencies
def test_of_the_table_of_variants(currency: str, written: str) -> None:
    worth = {"currency": currency, "per_customer": 1_234.0, "low": 1_234.0, "high": 1_234.0}
    counts = dict.fromkeys(("customers", "converted", "rate", "low", "high", "best"), 0)
    one = {"variant": "a", "holdout": False, "revenue": [worth], **counts}
    told = _printed(experiments.print_compared, "Variant", [one], [])
    assert f"{currency} {written} ({written} to {written})" in told


def _printed(print_table: Any, *found: Any) -> str:
    file = io.StringIO()
    print_table(Console(file=file, width=200), *found)
    return file.getvalue()
