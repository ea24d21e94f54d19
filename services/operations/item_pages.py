"""Pages of items, each of which ends in its own result: what one of them raises undoes no other.

A page is done in one transaction. Where that raises what nobody expects it is done by halves, each in a transaction of
its own, down to the item that raises alone: that one has failed, and is told. What the work refuses, and a database
that cannot be had, are no item's own: they are raised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlmodel import Session

from journeys.language.problems import InvalidJourney
from services.errors import ServiceError
from services.operations.operations import Done, LineError, PageOfWork, add_counts
from services.values import Rejected
from store import dialect
from store.tables.access import Operation

PageItem = TypeVar("PageItem")
PartOutcome = TypeVar("PartOutcome")

REFUSALS = (ServiceError, Rejected, InvalidJourney)
"""Errors by which the work itself is refused."""

WORKERS_LOG = "the worker's log tells more"
"""Where the tracebacks are of what a worker does."""


def is_no_items_own(error: Exception) -> bool:
    """Whether an error says something of the work as a whole, or of the database."""
    return isinstance(error, REFUSALS) or dialect.is_at_fault(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage(Generic[PageItem]):
    """The next items of a piece of work, and what is done with them.

    `do` takes some of them, in their order, and keeps how far the work is; `fail` tells of one that raised this error.
    `finish` is called once there are none left; `split` makes an item that raises alone into smaller ones, where it is
    made of such.
    """

    items: Callable[[Session], Sequence[PageItem]]
    do: Callable[[Session, Sequence[PageItem]], Done]
    fail: Callable[[Session, PageItem, Exception], Done]
    finish: Callable[[Session], None] = lambda session: None
    split: Callable[[PageItem], Sequence[PageItem]] = lambda item: [item]

    def __call__(self, session: Session) -> Done | None:
        """All of them at once; None where none are left."""
        items = self.items(session)
        if items:
            return self.do(session, items)
        self.finish(session)
        return None

    def some(self, items: Sequence[PageItem]) -> PageOfWork:
        """Some of the items, as a page of their own."""
        return lambda session: self.do(session, items)

    def failed(self, item: PageItem, error: Exception) -> PageOfWork:
        """That one of them failed, as a page of its own."""
        return lambda session: self.fail(session, item, error)


def in_halves(
    items: Sequence[PageItem],
    do: Callable[[Sequence[PageItem]], PartOutcome],
    failed: Callable[[PageItem, Exception], PartOutcome],
    split: Callable[[PageItem], Sequence[PageItem]] = lambda item: [item],
) -> list[PartOutcome]:
    """Do all items together or, where that raises, by halves, down to the one that failed; what came of each part.

    `do` is one transaction. Raise what is no item's own. Of n items, one of which fails, it costs 2 log2(n) of them.
    """
    try:
        return [do(items)]
    except Exception as error:
        if is_no_items_own(error):
            raise
        parts = [part for one in items for part in split(one)] if len(items) == 1 else items
        if len(parts) < 2:
            return [failed(one, error) for one in parts]
    middle = len(parts) // 2
    return in_halves(parts[:middle], do, failed, split) + in_halves(parts[middle:], do, failed, split)


def one_failed(session: Session, operation: Operation, item: str, error: Exception) -> Done:
    """The item of this id failed; it counts as done, as the so-and-so-manieth, and the next ones come behind it."""
    current = session.get(Operation, operation.id) or operation
    errors = [line_error(current.done + 1, error, item)]
    return Done(count=1, cursor=item, errors=errors, result=add_counts(current, {"failed": 1}))


def line_error(line: int, error: Exception, what: str = "", more: str = WORKERS_LOG) -> LineError:
    """That a line, or the item `what` in that place, failed unexpectedly; `more` says where its traceback is."""
    return LineError(line=line, reason=_told(type(error).__name__, what, more), unexpected=error)


class FailedElsewhere(Exception):
    """What another process raised, as the text of its traceback."""


def failed_elsewhere(line: int, kind: str, traceback: str, what: str) -> LineError:
    """`line_error` of an error of which there are its type's name and its traceback alone."""
    return LineError(line=line, reason=_told(kind, what), unexpected=FailedElsewhere(traceback))


def _told(kind: str, what: str, more: str = WORKERS_LOG) -> str:
    reason = f"it failed unexpectedly ({kind}); {more}"
    return f"{what}: {reason}" if what else reason
