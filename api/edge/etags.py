"""`ETag` and `If-Match`: of two people who change one thing, the second is told instead of overwriting the first."""

import hashlib
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from api.errors import ApiError

Tagged = TypeVar("Tagged", bound=BaseModel)


def of(shown: BaseModel) -> str:
    """The tag of what is shown."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:24]}"'


class Tags:
    """The conditions of a request, and the tag of its answer."""

    def __init__(
        self,
        response: Response,
        if_match: Annotated[
            str | None,
            Header(description="the ETag that was read; the change is refused (412) where it is another now"),
        ] = None,
        if_none_match: Annotated[str | None, Header(description="`*`: only where there is none yet")] = None,
    ) -> None:
        self._response = response
        self._wanted = if_match
        self._absent = if_none_match

    @property
    def are_named(self) -> bool:
        """Whether the caller names the very state that it has seen."""
        return self._wanted is not None and "*" not in self._wanted

    def check(self, present: BaseModel | None) -> None:
        """Raise where the present state is not the one that the caller has seen."""
        if self._absent == "*" and present is not None:
            raise ApiError("precondition-failed", "it exists already")
        if self._wanted is None:
            return
        if present is None:
            raise ApiError("precondition-failed", "it does not exist, or no more")
        tags = [one.strip().removeprefix("W/") for one in self._wanted.split(",")]
        if "*" not in tags and of(present) not in tags:
            raise ApiError("precondition-failed", "it has changed since it was read; read it again, then write")

    def tagged(self, shown: Tagged) -> Tagged:
        """The answer, with its tag as a header."""
        self._response.headers["ETag"] = of(shown)
        return shown


TheTags = Annotated[Tags, Depends()]


def tagged(response: Response, shown: Tagged) -> Tagged:
    """The answer to a GET, with its tag as a header."""
    response.headers["ETag"] = of(shown)
    return shown
