"""Which trace the present work belongs to, as a W3C `traceparent`; rows keep it, so that a trace leads through them.

Nobody here knows who reads traces: without tracing there is none, and nothing is kept.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

CURRENT: ContextVar[str | None] = ContextVar("trace", default=None)
"""The `traceparent` of the present task or thread; None outside a trace."""

OpenSpan = Callable[..., AbstractContextManager[Any]]
"""Opens a span: its name, its parent (else the present trace), and attributes."""
