"""Loaded by a process of the product that is started with this folder on its path: it dies, by SIGKILL, at a point.

The product knows nothing of points. They lie where the simulated world has them: before and after each transaction,
named by the function that asks for it (alone, or with its class), before and after the call to the provider, and to the
receiver of a webhook. A point is armed by a file of its name in POINTS_ARMED; whoever passes it takes the file away, and
dies, or kills the process whose number the file holds.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys
from contextlib import contextmanager
from typing import Any

ARMED = os.environ.get("POINTS_ARMED", "")


def passes(point: str) -> None:
    """Die here, where that is armed."""
    armed = os.path.join(ARMED, point)
    try:
        with open(armed) as file:
            whom = int(file.read() or os.getpid())
        os.unlink(armed)
    except OSError:
        return
    os.kill(whom, signal.SIGKILL)


def in_transactions(module: Any) -> None:
    """Before and after each transaction of `store.session.Database`."""
    write = module.Database.write

    def passing(self: Any, work: Any) -> Any:
        frame = sys._getframe(1)
        names = {frame.f_code.co_name, frame.f_code.co_qualname}
        if frame.f_code.co_name == "_together":  # of wakes ahead: which one it is that is done together
            names = {frame.f_locals["work"].__name__}
        if frame.f_code.co_name == "write":  # of work whose answer is committed with it: whoever wants it done
            names = {frame.f_locals["work"].__qualname__.partition(".<locals>")[0]}
        for asked_by in names:
            passes(f"before {asked_by}")
        result = write(self, work)
        for asked_by in names:
            passes(f"after {asked_by}")
        return result

    module.Database.write = passing
    writing = module.Database.writing

    @contextmanager
    def answering(self: Any) -> Any:
        with writing(self) as session:
            yield session
        if sys.argv[-1] == "api":
            passes("after a request")

    module.Database.writing = answering


def in_calls(module: Any) -> None:
    """Before and after each call of `mail.providers.smtp.sender.SmtpSender`."""
    send = module.SmtpSender.send

    async def passing(self: Any, *given: Any, **named: Any) -> Any:
        passes("before send")
        outcome = await send(self, *given, **named)
        passes("after send")
        return outcome

    module.SmtpSender.send = passing


def in_webhooks(module: Any) -> None:
    """Before and after each call of `mail.webhooks.caller.Caller`."""
    call = module.Caller.call

    async def passing(self: Any, *given: Any, **named: Any) -> Any:
        passes("before call")
        answer = await call(self, *given, **named)
        passes("after call")
        return answer

    module.Caller.call = passing


POINTS = {
    "store.session": in_transactions,
    "mail.providers.smtp.sender": in_calls,
    "mail.webhooks.caller": in_webhooks,
}


class Finder(importlib.abc.MetaPathFinder):
    """Puts the points into a module when it is imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """The module's own, whose loading ends with its points."""
        if name not in POINTS:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            loaded: Any = spec.loader
            execute = loaded.exec_module

            def with_points(module: Any) -> None:
                execute(module)
                POINTS[name](module)

            loaded.exec_module = with_points
        return spec


if ARMED:
    sys.meta_path.insert(0, Finder())
