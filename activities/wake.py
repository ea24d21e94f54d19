"""The wake of an enrollment: one local activity, one transaction; and the program of one that was moved."""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import meters
from activities.signatures import PROGRAM, WAKE, Wake
from journeys.machine.woken import Woken
from journeys.program.program import Program
from services.definitions.journey_versions import journeys
from services.enrollments.waking import wake
from services.errors import NotFound
from store import dialect
from store.session import Database

STUCK_AFTER = 5
"""Attempts that end in an error of the enrollment's own before it is shown as stuck: about six seconds."""

STUCK_AFTER_ALL = 12
"""Attempts, some four minutes, that end in what may be the database's fault, before an enrollment is shown as stuck:
if that can be written the database can be had, and does not do this wake alone."""

log = structlog.get_logger("waypost.wake")


class Waking:
    """Wakes enrollments; `lag` is how long after a deadline their workflows look, where somebody leads them."""

    def __init__(self, database: Database, lag: timedelta = timedelta()) -> None:
        self._database = database
        self._lag = lag

    @activity.defn(name=WAKE)
    def wake(self, asked: Wake) -> dict[str, Any]:
        """Everything that is due, worked off: what came of it as a lean `Woken`, or as `stuck` where it fails for ever.

        A database that cannot be had is nobody's fault but its own: such a wake is tried again for as long as it takes.
        One that ends so while the database can be had is told in the end as any other that fails.
        What an error says may be personal, so it is kept in the database, and Temporal hears its type alone.
        """
        try:
            woken = self._database.write(
                lambda session: wake.wake(
                    session, asked.enrollment, asked.number, asked.now, astray=asked.astray, lag=self._lag
                )
            )
        except NotFound as gone:
            if gone.message == wake.gone(asked.enrollment):
                raise ApplicationError(gone.message, type="NotFound", non_retryable=True) from None
            woken = self._failed(asked, gone)
        except Exception as error:
            woken = self._away(asked, error) if dialect.is_at_fault(error) else self._failed(asked, error)
        return woken.lean()

    @activity.defn(name=PROGRAM)
    def program(self, digest: str) -> Program:
        """The program of an enrollment that was moved to another version. Raises NotFound where no version has it."""
        with self._database.reading() as session:
            return journeys.compiled(session, digest)

    def _failed(self, asked: Wake, error: Exception) -> Woken:
        if activity.info().attempt < STUCK_AFTER:
            raise ApplicationError("the wake failed", type=type(error).__name__) from None
        return self._set_aside(asked, error)

    def _away(self, asked: Wake, error: Exception) -> Woken:
        if activity.info().attempt >= STUCK_AFTER_ALL and not isinstance(error, NoConnectionFree):
            return self._set_aside(asked, error)
        raise _cannot_be_had(error) from None

    def _set_aside(self, asked: Wake, error: Exception) -> Woken:
        """Where that cannot be written either, it is tried again."""
        told = f"{type(error).__name__}: {error}"[:300]
        try:
            woken = self._database.write(
                lambda session: wake.set_aside(
                    session, asked.enrollment, told, asked.now, asked.number, astray=asked.astray
                )
            )
        except wake.Overtaken:
            raise ApplicationError("the wake was done meanwhile", type="Overtaken") from None
        except dialect.AT_FAULT as away:
            raise _cannot_be_had(away) from None
        log.error("enrollment_stuck", enrollment=asked.enrollment, exc_info=error)
        meters.unexpected("wake")
        return woken


def _cannot_be_had(error: Exception) -> ApplicationError:
    return ApplicationError("the database cannot be had", type=type(error).__name__)
