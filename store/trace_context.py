"""Which trace the present work belongs to, as a W3C `traceparent`; rows keep it, so that a trace leads through them.

Nobody here knows who reads traces: without tracing there is none, and nothing is kept.
"""

from contextvars import ContextVar

CURRENT: ContextVar[str | None] = ContextVar("trace", default=None)
"""The `traceparent` of the present task or thread; None outside a trace."""
