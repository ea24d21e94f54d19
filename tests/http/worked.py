"""Operations done as the worker does them, and code that breaks for one item."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import select
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment

from store.tables.customers import Customer
from tests.counted import Counted
from waypost.wiring import Parts

TOLD = "it failed unexpectedly (ZeroDivisionError); the worker's log tells more"


class Worked:
    """An operation done as the worker does it, with what it logged and counted."""

    def __init__(self, client: TestClient, parts: Parts, operation: str, attempt: int = 1) -> None:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, attempt=attempt)
        meter = Counted()
        environment.metric_meter = meter
        with capture_logs() as logs:
            self.status = asyncio.run(environment.run(parts.operations().operate, operation))
        self.logged = [one for one in logs if one["event"] == "item_failed"]
        self.counted = meter.unexpected()
        self.shown = client.get(f"/v1/operations/{operation}").json()
        listed = client.get(f"/v1/operations/{operation}/errors").json()["items"]
        self.errors = [(one["line"], one["reason"]) for one in listed]

    def assert_failed_alone(self, *errors: tuple[int, str]) -> None:
        """It is done, and so many lines were not taken: told, logged with their traceback, and counted."""
        assert (self.status, self.errors) == ("done", list(errors))
        assert [one["line"] for one in self.logged] == [line for line, _ in errors]
        assert all(isinstance(one["exc_info"], ZeroDivisionError) for one in self.logged)
        assert self.counted == ["operate"] * len(errors)


def breaks_for(real: Callable[..., Any], poison: Callable[..., bool]) -> Callable[..., Any]:
    """The function, which raises for what is poison."""

    def run(*args: Any, **more: Any) -> Any:
        if poison(*args, **more):
            raise ZeroDivisionError("a bug")
        return real(*args, **more)

    return run


def upload(client: TestClient, text: str, **params: Any) -> str:
    answer = client.post("/v1/imports", params=params, content=text.encode())
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def rows(parts: Parts, table: Any, *where: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table).where(*where)).all())


def id_of(parts: Parts, name: str) -> str:
    (found,) = rows(parts, Customer, Customer.external_id == name)
    return found.id
