"""What runs in Temporal, for whoever compares it with the database: asked by sets, of its list of workflows.

The list runs some milliseconds behind (a cluster's, seconds), so what it does not show is asked about by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

JOURNEYS = "WorkflowType = 'JourneyWorkflow' AND ExecutionStatus = 'Running'"
"""Which workflows carry an enrollment."""

AT_ONCE = 100
"""Workflows that one filter names: more make it longer than a server reads."""

TOGETHER = 16
"""Questions about one workflow that are under way at once."""

PAGE = 500
"""Workflows of a page of the list."""

ANSWERS_WITHIN = 60.0
"""Seconds for all questions about a page of workflows."""

Replied = TypeVar("Replied")


class TemporalDirectory:
    """Asked from threads beside the event loop that its client lives in."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self._client, self._loop = client, loop

    def running(self, ids: Sequence[str]) -> set[str]:
        """Those of these workflows that run. Raises RPCError where Temporal does not answer."""
        found = set[str]()
        for first in range(0, len(ids), AT_ONCE):
            found |= self._answer(self._running(ids[first : first + AT_ONCE]))
        return found

    def of_enrollments(self) -> Iterator[Sequence[str]]:
        """The ids of all workflows of enrollments that run, a page at a time. Raises RPCError as well."""
        pages = self._pages()
        while page := self._answer(anext(pages, None)):
            yield page

    def _answer(self, asked: Coroutine[Any, Any, Replied]) -> Replied:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(ANSWERS_WITHIN)

    async def _running(self, ids: Sequence[str]) -> set[str]:
        named = ", ".join(f"'{one}'" for one in ids)
        listed = self._client.list_workflows(f"ExecutionStatus = 'Running' AND WorkflowId IN ({named})")
        found = {one.id async for one in listed}
        slots = asyncio.Semaphore(TOGETHER)
        left = [one for one in ids if one not in found]
        asked = await asyncio.gather(*(self._runs(one, slots) for one in left))
        return found | {one for one, runs in zip(left, asked, strict=True) if runs}

    async def _runs(self, workflow_id: str, slots: asyncio.Semaphore) -> bool:
        async with slots:
            try:
                described = await self._client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    return False
                raise
        return described.status == WorkflowExecutionStatus.RUNNING

    async def _pages(self) -> AsyncIterator[Sequence[str]]:
        page: list[str] = []
        async for one in self._client.list_workflows(JOURNEYS, page_size=PAGE):
            page.append(one.id)
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page
