"""A reconciliation worked off without Temporal: what runs there is said by the test."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from services.jobs.reconcile_books import ReconcilingPages
from services.operations import operations
from services.operations.item_pages import ItemPage, in_halves
from services.reconciliation import reconciling
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Dispatch, Enrollment


@dataclass
class SaidDirectory:
    """Every live enrollment's workflow runs, but those that are `lost`; `more` beside them, and `known` operations."""

    database: Database
    lost: set[str] = field(default_factory=set[str])
    more: list[str] = field(default_factory=list[str])
    known: set[str] = field(default_factory=set[str])

    def running(self, ids: Sequence[str]) -> Collection[str]:
        own = {f"operation/{one}" for one in self.known}
        return [one for one in ids if one not in self.lost and (one in own or not one.startswith("operation/"))]

    def of_enrollments(self) -> Iterator[Sequence[str]]:
        with self.database.reading() as session:
            live = session.exec(select(Enrollment.workflow_id).where(Enrollment.status == EnrollmentStatus.LIVE))
            yield [*sorted({*live} - self.lost), *self.more]


def reconciled(
    database: Database, now: datetime, directory: SaidDirectory | None = None, *, repair: bool = False
) -> dict[str, tuple[int, int]]:
    """By kind: how many differences were found, and how many of them repaired; all places together."""
    found: dict[str, tuple[int, int]] = {}
    for one in differences(database, now, directory, repair=repair):
        count, repaired = found.get(one["kind"], (0, 0))
        found[one["kind"]] = (count + one["count"], repaired + one["repaired"])
    return found


def differences(
    database: Database, now: datetime, directory: SaidDirectory | None = None, *, repair: bool = False
) -> list[dict[str, Any]]:
    """What the result of the operation says, as it stands there."""
    asked = database.write(lambda session: reconciling.start(session, now, "key_1", repair=repair))
    database.write(lambda session: (_forget_start(session, asked.id), operations.begin(session, asked.id, now)))
    said = directory or SaidDirectory(database)
    said.known.add(asked.id)
    for page in ReconcilingPages(database, asked, lambda: now, said).pages():
        try:
            database.write(lambda session, page=page: operations.advance(session, asked.id, page))
        except ArithmeticError:
            assert isinstance(page, ItemPage)
            _in_halves(database, asked.id, page)
    database.write(lambda session: operations.close(session, asked.id, now))
    with database.reading() as session:
        return (reconciling.last_check(session) or {})["differences"]


def _forget_start(session: Session, operation_id: str) -> None:
    """Temporal has it."""
    for row in session.exec(select(Dispatch).where(Dispatch.enrollment_id == operation_id)).all():
        session.delete(row)


def _in_halves(database: Database, operation_id: str, page: ItemPage[Any]) -> None:
    def advance(work: Any) -> Any:
        return database.write(lambda session: operations.advance(session, operation_id, work))

    with database.reading() as session:
        items = page.items(session)
    in_halves(items, lambda part: advance(page.some(part)), lambda one, error: advance(page.failed(one, error)))
