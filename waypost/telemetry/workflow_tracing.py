"""A trace on its way through a workflow: in headers, from what woke it last to the activities that follow."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from temporalio import client, worker
from temporalio.api.common.v1 import Payload

from store.trace_context import CURRENT, OpenSpan
from waypost.telemetry.tracing import HEADER


def _sealed(trace: str | None) -> dict[str, Payload]:
    return {HEADER: Payload(metadata={"encoding": b"binary/plain"}, data=trace.encode())} if trace else {}


def _opened(headers: Mapping[str, Payload]) -> str | None:
    return headers[HEADER].data.decode() if HEADER in headers else None


class WorkflowTraces(client.Interceptor, worker.Interceptor):
    """Carries the trace of whatever woke a workflow to the activities that follow."""

    def __init__(self, span: OpenSpan) -> None:
        self._span = span

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        """Starts and signals carry the present trace."""
        return _Calls(next)

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        """An activity runs in a span below what its headers carry."""
        return _Activities(next, self._span)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor] | None:
        """A workflow hands on what it was woken with."""
        return _Workflow


class _Calls(client.OutboundInterceptor):
    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:
        input.headers = {**input.headers, **_sealed(CURRENT.get())}
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        input.headers = {**input.headers, **_sealed(CURRENT.get())}
        await super().signal_workflow(input)


class _Workflow(worker.WorkflowInboundInterceptor):
    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        self.last: dict[str, Payload] = {}
        super().init(_Outbound(outbound, self))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        self.hear(input.headers)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        self.hear(input.headers)
        await super().handle_signal(input)

    def hear(self, headers: Mapping[str, Payload]) -> None:
        if HEADER in headers:
            self.last = {HEADER: headers[HEADER]}


class _Outbound(worker.WorkflowOutboundInterceptor):
    def __init__(self, next: worker.WorkflowOutboundInterceptor, inbound: _Workflow) -> None:
        super().__init__(next)
        self._inbound = inbound

    def start_activity(self, input: worker.StartActivityInput) -> Any:
        return super().start_activity(replace(input, headers={**input.headers, **self._inbound.last}))

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:
        return super().start_local_activity(replace(input, headers={**input.headers, **self._inbound.last}))

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> Any:
        return super().continue_as_new(replace(input, headers={**input.headers, **self._inbound.last}))


class _Activities(worker.ActivityInboundInterceptor):
    def __init__(self, next: worker.ActivityInboundInterceptor, span: OpenSpan) -> None:
        super().__init__(next)
        self._span = span

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        trace = _opened(input.headers)
        if trace is None:
            return await super().execute_activity(input)
        with self._span(input.fn.__name__, trace):
            return await super().execute_activity(input)
