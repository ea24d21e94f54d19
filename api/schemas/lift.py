"""Shapes of what marketing mail brings about."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.experiments import LiftOut, SplitVariantOut
from services.reports.conversion.lift import CONTROL, DAYS, EVERYBODY_ELSE


class LiftReport(BaseModel):
    """The control group beside everybody else: customers who have an address, and what they did since a day."""

    model_config = ConfigDict(serialize_by_alias=True)

    control_group: int = Field(description="percent, as the settings say; 0: there is none", examples=[10])
    control_group_since: date | None = Field(
        description="since when it has been as large; null where that is not on record", examples=["2026-01-07"]
    )
    zone: str = Field(examples=["Europe/Berlin"])
    since: date = Field(alias="from", examples=["2026-01-07"])
    until: date = Field(alias="to", description="today", examples=["2026-03-31"])
    event: str | None = Field(description="what converts; null: any order", examples=[None])
    main_currency: str | None = Field(
        description="in which revenue is told, where every day has a rate; else it is by currency, and `told` says why",
        examples=["EUR"],
    )
    confidence: float = Field(description="of all intervals", examples=[0.95])
    groups: list[SplitVariantOut] = Field(
        description=f"`{CONTROL}` and `{EVERYBODY_ELSE}`, as the variants of a split; none without a control group"
    )
    lift: LiftOut | None = Field(
        description="null without a control group: then nothing tells what the mails cause",
        examples=[
            {
                "than": CONTROL, "n": 500, "of": 4500, "conversion": {"by": 0.03, "low": 0.001, "high": 0.055},
                "revenue": [{"currency": "EUR", "by": 0.4, "low": 0.1, "high": 0.7}],
            }
        ],
    )  # fmt: skip
    needed: int | None = Field(
        description="customers that the smaller group still needs to tell such a difference from chance; null where "
        "there is none so far",
        examples=[774],
    )
    mismatch: float | None = Field(
        description="how often chance alone makes the groups as uneven; below 0.001 do not trust the comparison; null "
        "where too few are there to tell",
        examples=[0.61],
    )
    told: list[str] = Field(
        description="the same in plain sentences",
        examples=[
            [
                "everybody else converts 15.0% of 4,500, control group converts 12.0% of 500: a difference of +3.0 "
                "points (95%: +0.0 to +5.6), so everybody else is better."
            ]
        ],
    )


class LiftIn(BaseModel):
    """The question, as an operation is to answer it."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [{"event": "Order Completed", "from": "2026-01-07"}]},
    )

    event: str | None = Field(default=None, max_length=200, description="what converts; without it any order")
    since: date | None = Field(
        default=None,
        alias="from",
        description=f"the first day; without it since the group has been as large, else the last {DAYS} days",
    )
