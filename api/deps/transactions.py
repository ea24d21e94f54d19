"""The transaction of a request, and its instant. It commits here, at the edge, before the answer is sent."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from api.deps.backend import TheBackend


def writing(request: Request, parts: TheBackend) -> Iterator[Session]:
    """One transaction per request, committed before the answer is sent (scope "function" sees to that).

    Where another request came between, this one is undone, and its caller told that it may be repeated (`collision`).
    """
    with parts.database.writing() as session:
        request.state.session = session
        yield session


def reading(parts: TheBackend) -> Iterator[Session]:
    """A transaction that writes nothing, for as long as the route runs."""
    with parts.database.reading() as session:
        yield session


def now(parts: TheBackend) -> datetime:
    """The instant of the request, UTC; it stands still while the request is worked on."""
    return parts.clock()


Writing = Annotated[Session, Depends(writing, scope="function")]
Reading = Annotated[Session, Depends(reading, scope="function")]
Now = Annotated[datetime, Depends(now)]
