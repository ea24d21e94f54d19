"""Shapes of what customers are worth."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class OrdersModelOut(BaseModel):
    """How often customers order (BG/NBD), per week."""

    r: float = Field(examples=[0.243])
    alpha: float = Field(examples=[4.414])
    a: float = Field(examples=[0.793])
    b: float = Field(examples=[2.426])
    log_likelihood: float = Field(examples=[-9582.4])


class MoneyModelOut(BaseModel):
    """What orders are worth (gamma-gamma), and of how many customers that was learnt."""

    p: float = Field(examples=[6.25])
    q: float = Field(examples=[3.74])
    gamma: float = Field(examples=[15.44])
    customers: int = Field(examples=[946])


class ForetoldOut(BaseModel):
    """Of customers with so many repeat orders (the last: or more), the orders that were expected and that came."""

    repeat_orders: int = Field(examples=[2])
    customers: int = Field(examples=[214])
    expected: float = Field(examples=[223.4])
    came: int = Field(examples=[298])


class CalibrationOut(BaseModel):
    """What was expected of the time behind `learnt_until`, and what came."""

    learnt_until: date
    until: date
    customers: int = Field(examples=[2357])
    expected: float = Field(examples=[1653.4])
    came: int = Field(examples=[1882])
    error: float | None = Field(description="0.05: 5% too many were expected; null where none came", examples=[-0.12])
    kinds: list[ForetoldOut]


class FifthsOut(BaseModel):
    """The four borders of the fifths: of last orders (Unix seconds), numbers of orders, and sums."""

    recency: list[float] = Field(examples=[[1767225600, 1769904000, 1772323200, 1775001600]])
    frequency: list[float] = Field(examples=[[1, 1, 2, 4]])
    monetary: list[float] = Field(examples=[[19.9, 45, 89.5, 210]])


class CustomerValueReport(BaseModel):
    """The last nightly fit; `refusal` says why there is none."""

    fitted_at: datetime | None
    refusal: str | None = Field(examples=[None])
    currency: str | None = Field(description="in which money is told: that of most customers", examples=["EUR"])
    customers: int | None = Field(description="who had ordered", examples=[2357])
    repeat_orders: int | None = Field(examples=[2457])
    fit: OrdersModelOut | None
    money: MoneyModelOut | None
    calibration: CalibrationOut | None
    fifths: FifthsOut | None
    grid: list[list[int]] | None = Field(
        default=None,
        description="customers by their fifths of recency (rows) and frequency, the least first",
        examples=[
            [
                [160, 90, 41, 12, 3],
                [120, 101, 60, 22, 9],
                [88, 96, 97, 60, 30],
                [61, 80, 99, 120, 77],
                [40, 60, 90, 150, 200],
            ]
        ],
    )
