"""Splits as experiments: what their variants did, and which one won."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class VariantRevenue(BaseModel):
    """What a customer of a variant is worth on average, in one currency; of amounts that name none it is `unstated`."""

    currency: str = Field(examples=["EUR"])
    paying: int = Field(description="customers who spent something", examples=[120])
    per_customer: float = Field(description="over all customers of the variant", examples=[4.2])
    low: float = Field(description="of the interval (Poisson bootstrap, the same every day)", examples=[3.5])
    high: float = Field(examples=[5.0])


class SplitVariantOut(BaseModel):
    """One variant: how many were given it, and how many of them reached the goal."""

    variant: str = Field(examples=["long"])
    holdout: bool = Field(examples=[False])
    customers: int = Field(examples=[1000])
    converted: int = Field(description="once for each customer", examples=[120])
    rate: float | None = Field(description="null where nobody was given it", examples=[0.12])
    low: float = Field(description="of the rate's interval (Wilson)", examples=[0.101])
    high: float = Field(examples=[0.142])
    best: float = Field(description="the probability to convert best of all (beta-binomial)", examples=[0.92])
    revenue: list[VariantRevenue] = Field(
        examples=[[{"currency": "EUR", "paying": 120, "per_customer": 4.2, "low": 3.5, "high": 5.0}]]
    )


class DifferenceOut(BaseModel):
    """How much more; 0.03 are three points."""

    by: float = Field(examples=[0.03])
    low: float = Field(examples=[0.011])
    high: float = Field(examples=[0.048])


class RevenueDifference(DifferenceOut):
    """How much more a customer is worth, in one currency."""

    currency: str = Field(examples=["EUR"])


class LiftOut(BaseModel):
    """What everybody who is not held back does more than those who are."""

    than: str = Field(examples=["holdout"])
    n: int = Field(description="customers who are held back", examples=[500])
    of: int = Field(description="everybody else", examples=[4500])
    conversion: DifferenceOut
    revenue: list[RevenueDifference]


class ExperimentOut(BaseModel):
    """A split: its variants beside each other, and what that says in sentences."""

    split: str = Field(examples=["tip-test"])
    main_currency: str | None = Field(
        description="in which revenue is told, where every day has a rate; else it is by currency, and `told` says why",
        examples=["EUR"],
    )
    confidence: float = Field(description="of all intervals", examples=[0.95])
    variants: list[SplitVariantOut]
    lift: LiftOut | None = Field(
        description="null without a holdout: then nothing tells what the mails cause",
        examples=[
            {
                "than": "holdout", "n": 500, "of": 4500, "conversion": {"by": 0.03, "low": 0.011, "high": 0.048},
                "revenue": [{"currency": "EUR", "by": 0.4, "low": 0.1, "high": 0.7}],
            }
        ],
    )  # fmt: skip
    needed: int | None = Field(
        description="customers that the smaller of the two best variants still needs to tell their difference from "
        "chance; null where there is no difference so far",
        examples=[774],
    )
    mismatch: float | None = Field(
        description="how often chance alone makes the shares of the variants as uneven; below 0.001 do not trust the "
        "comparison; null where too few are there to tell",
        examples=[0.61],
    )
    winner: str | None = Field(description="what everybody takes who comes to the split", examples=[None])
    decided_at: datetime | None = Field(description="null where the definition decides", examples=[None])
    decided_by: str | None = Field(description="the id of a key, or `itself`", examples=[None])
    next_look_at: datetime | None = Field(description="when a split that decides itself is looked at", examples=[None])
    told: list[str] = Field(description="the same in plain sentences")


class SplitWinnerIn(BaseModel):
    """The variant to take from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"winner": "long"}]})

    winner: str = Field(min_length=1, max_length=63)
