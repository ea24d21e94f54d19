"""A cohort through a journey in parts, on all cores where it is worth it."""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Protocol

from journeys.program.program import Program
from journeys.rules.policy import NO_TERMS, InstallationTerms
from journeys.simulation import backtest, consequences
from journeys.simulation.backtest import CustomerHistory, Totals
from journeys.simulation.mail_policies import by_policy

CHUNK = 500
"""Customers that one process replays at once, and the step of the progress."""

ALONE = 1_000
"""Customers up to which this process does it alone: others take two to three seconds to start (measured on two cores).
"""


class Histories(Protocol):
    """Customers with what they did, in an order of their own: a list, or a cohort that is read page by page."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __iter__(self) -> Iterator[CustomerHistory]:
        """Each of them, in the same order every time."""
        ...


def parts(
    program: Program,
    histories: Histories,
    until: datetime,
    segments: Mapping[str, str] | None = None,
    terms: InstallationTerms = NO_TERMS,
) -> Iterator[Totals]:
    """What came of each part; addresses are assumed where nobody in the cohort has one.

    `segments` are guards by key, so that joining them lets customers in; `terms` are caps, quiet hours and topics. The
    cohort is gone through page by page, once more where nobody has an address: CHUNK customers are held for each core.
    """
    assume, chunks, known = not any(map(_addressed, histories)), _chunks(histories), dict(segments or {})
    if len(histories) <= ALONE:
        yield from (_part(program, chunk, until, assume, known, terms) for chunk in chunks)
        return
    cores = os.cpu_count() or 1
    waiting = deque[Future[Totals]]()
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_part, program, chunk, until, assume, known, terms))
                if len(waiting) > cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _part(
    program: Program,
    histories: Sequence[CustomerHistory],
    until: datetime,
    assume: bool,
    segments: Mapping[str, str],
    terms: InstallationTerms,
) -> Totals:
    """Each by itself: what one customer's path raises is that customer's, told by `Totals.failures`."""
    found, mail_policy = Totals(), by_policy(assume, terms)
    for history in histories:
        try:
            whole = consequences.complete(program, history, until, segments)
            found.add(backtest.totals(program, [whole], until, mail_policy))
        except Exception as error:
            found.fail(history.id, error)
    return found


def _addressed(history: CustomerHistory) -> bool:
    return "email" in history.attributes or any(
        one.name == "Identify" and "email" in one.properties for one in history.events
    )


def _chunks(histories: Iterable[CustomerHistory]) -> Iterator[list[CustomerHistory]]:
    everybody = iter(histories)
    while chunk := list(islice(everybody, CHUNK)):
        yield chunk
