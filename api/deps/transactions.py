"""The transactions of a request, and its instant. They commit here, at the edge, before the answer is sent.

What changes something is done in one of two ways: `Writing` is open as long as the route runs; `AnsweredWork.write`
does a unit of work, once more where another came between. Whoever keeps the answer of a request (`AnswerKeeper`) is
handed either, so that an answer is committed with its work.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlmodel import Session

from api.deps.backend import TheBackend

WorkResult = TypeVar("WorkResult")
OwnAnswer = TypeVar("OwnAnswer", bound=BaseModel)

Write = Callable[[Callable[[Session], WorkResult]], WorkResult]
"""`Database.write`, or the same with the answer of a request committed beside."""


class AnswerKeeper(Protocol):
    """Keeps what a request is answered, in the transaction that it is handed."""

    def look(self, session: Session) -> None:
        """Before any work: raise where the request was answered already."""
        ...

    def keep(self, session: Session, status: int, headers: dict[str, str], body: bytes) -> None:
        """Behind the work, and before its commit."""
        ...

    def committed(self) -> None:
        """What was kept is committed."""
        ...


def keeper_of(request: Request) -> AnswerKeeper | None:
    """Whoever keeps the answer of this request, where it is to be kept."""
    return getattr(request.state, "answer_keeper", None)


def writing(request: Request, parts: TheBackend) -> Iterator[Session]:
    """One transaction per request, committed before the answer is sent (scope "function" sees to that).

    Where another request came between, this one is undone, and its caller told that it may be repeated (`collision`).
    """
    with parts.database.writing() as session:
        keeper = keeper_of(request)
        if keeper is not None:
            keeper.look(session)
        request.state.session = session
        yield session


def reading(parts: TheBackend) -> Iterator[Session]:
    """A transaction that writes nothing, for as long as the route runs."""
    with parts.database.reading() as session:
        yield session


def now(parts: TheBackend) -> datetime:
    """The instant of the request, UTC; it stands still while the request is worked on."""
    return parts.clock()


class AnsweredWork:
    """A unit of work whose answer is committed with it, for routes that do something before or behind it."""

    def __init__(self, request: Request, response: Response, parts: TheBackend) -> None:
        self._request, self._response, self._database = request, response, parts.database

    def write(self, work: Callable[[Session], OwnAnswer]) -> OwnAnswer:
        """`Database.write`; what `work` returns is the answer."""

        def itself(done: OwnAnswer) -> OwnAnswer:
            return done

        return self.shown_as(itself)(work)

    def shown_as(self, show: Callable[[WorkResult], BaseModel | None]) -> Write[WorkResult]:
        """The same of work that returns something else: `show` makes the answer of it, None where that comes later."""

        def write(work: Callable[[Session], WorkResult]) -> WorkResult:
            keeper = keeper_of(self._request)
            if keeper is None:
                return self._database.write(work)
            answered = False

            def with_its_answer(session: Session) -> WorkResult:
                nonlocal answered
                keeper.look(session)
                done = work(session)
                answer = show(done)
                answered = answer is not None
                if answer is not None:
                    body = answer.model_dump_json(by_alias=True).encode()
                    keeper.keep(session, self._status(), {"content-type": "application/json"}, body)
                return done

            done = self._database.write(with_its_answer)
            if answered:
                keeper.committed()
            return done

        return write

    def _status(self) -> int:
        return self._response.status_code or self._request.scope["route"].status_code or 200


Writing = Annotated[Session, Depends(writing, scope="function")]
Reading = Annotated[Session, Depends(reading, scope="function")]
Now = Annotated[datetime, Depends(now)]
TheAnsweredWork = Annotated[AnsweredWork, Depends(AnsweredWork)]
