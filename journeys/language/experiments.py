"""How a split decides itself."""

from typing import Literal

from pydantic import Field

from journeys.language.words import Elapsed, Part


class WinnerRule(Part):
    """The winner is taken by itself: by what, how long after the publish at the earliest, and how sure.

    It is looked at `after` so long, then after twice and four times as long, and so on. All these looks together take a
    winner among equal variants with a chance of 1 - `confidence` at most.
    """

    by: Literal["conversion", "revenue"] = "conversion"
    after: Elapsed
    confidence: float = Field(default=0.95, ge=0.8, le=0.999)
