"""Which page of a list is wanted."""

from typing import Annotated

from fastapi import Depends, Query

from store.queries.listing.lists import Slice


class Paging:
    """Which page of a list is wanted."""

    def __init__(
        self,
        cursor: Annotated[str | None, Query(max_length=1_000, description="the `cursor` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="at most so many items")] = 50,
    ) -> None:
        self.cursor = cursor
        self.limit = limit

    def slice(self, sort: str = "") -> Slice:
        """The page, in the order that `sort` names; a minus turns it round."""
        return Slice(cursor=self.cursor, limit=self.limit, descending=sort.startswith("-"))


ThePage = Annotated[Paging, Depends()]
