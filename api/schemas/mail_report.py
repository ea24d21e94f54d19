"""What mails are worth."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from services.reports.results.mail_report import MailGrouping


class MailShareOut(BaseModel):
    """How many of the mails that were sent, each counted once; with Wilson's interval, 95%."""

    count: int = Field(examples=[310])
    n: int = Field(description="of how many that were sent", examples=[1200])
    rate: float | None = Field(description="null: none was sent", examples=[0.2583])
    low: float | None = Field(examples=[0.2344])
    high: float | None = Field(examples=[0.2838])


class MailRevenueOut(BaseModel):
    """What mails are credited with in one currency, by each model; each is what is left after refunds."""

    currency: str = Field(description="ISO 4217; `unstated` where orders name none", examples=["EUR"])
    last: float = Field(description="the mail that came last before an order has all of it", examples=[1840.5])
    first: float = Field(description="the mail that came first has all of it", examples=[1710.0])
    linear: float = Field(description="all mails before it have equal parts, to the cent", examples=[1774.25])


class RevenueInMain(BaseModel):
    """What mails are credited with in the main currency, by each model; each figure is rounded by itself."""

    last: float = Field(examples=[2210.4])
    first: float = Field(examples=[2080.1])
    linear: float = Field(examples=[2144.72])


class OrdersInMain(BaseModel):
    """All orders of the time in the main currency."""

    amount: float = Field(description="what they are worth after refunds", examples=[24310.02])
    credited: float = Field(description="of that, what mails are credited with", examples=[2210.4])


class MissingRates(BaseModel):
    """A currency that has no rate on days on which there are amounts in it."""

    currency: str = Field(description="`unstated` where orders name none", examples=["USD"])
    days: int = Field(examples=[2])
    first: date = Field(examples=["2026-03-07"])
    last: date = Field(examples=["2026-03-08"])


class MainCurrencyOut(BaseModel):
    """The main currency of the settings, and which rates are missing for a sum in it."""

    currency: str = Field(examples=["EUR"])
    missing: list[MissingRates]
    told: str = Field(
        examples=["Not everything has a sum in EUR: USD has no rate on 2 days (2026-03-07 to 2026-03-08)."]
    )


class MailLineOut(BaseModel):
    """Mails that are alike in what was asked for; null is what they were not put together by."""

    journey: str | None = Field(default=None, description="empty: of no journey", examples=["lifecycle"])
    stage: str | None = Field(default=None, examples=["lapsed"])
    step: str | None = Field(default=None, examples=["lapsed/send:we_miss_you"])
    broadcast: str | None = Field(default=None, examples=[""])
    template: str | None = Field(default=None, examples=["we_miss_you"])
    variant: str | None = Field(
        default=None,
        description="of a broadcast's A/B test, or `split/variant` of a journey",
        examples=["tip-test/short"],
    )
    locale: str | None = Field(default=None, description="empty: for everybody", examples=["de"])
    source: str | None = Field(
        default=None, description="the channel of their customers' first touch; empty: none is known", examples=["paid"]
    )
    sent: int = Field(description="accepted by the provider", examples=[1200])
    delivered: MailShareOut
    opened: MailShareOut = Field(description="by people")
    opened_by_machines: MailShareOut
    clicked: MailShareOut
    unsubscribed: MailShareOut
    complained: MailShareOut
    converted: MailShareOut = Field(
        description="a goal of their journey, or an order, is credited to them (last touch)"
    )
    revenue: list[MailRevenueOut] = Field(description="by currency; these are never added up")
    revenue_in_main: RevenueInMain | None = Field(
        description="the sum in the main currency of the settings, by the rates of its days; null: none is set, or a "
        "rate is missing (see `main`)"
    )


class OrdersOut(BaseModel):
    """The orders of the time, credited to mails or not."""

    currency: str = Field(examples=["EUR"])
    orders: int = Field(description="that stand", examples=[412])
    amount: float = Field(description="what they are worth after refunds", examples=[20418.75])
    credited: float = Field(description="of that, what mails are credited with", examples=[1840.5])
    without_amount: int = Field(description="orders of which nobody could read an amount", examples=[3])


class AttributionWindows(BaseModel):
    """How many days before an order a mail may have been accepted to be credited with it."""

    days: float = Field(description="of broadcasts, and of journeys without a goal", examples=[7.0])
    journeys: dict[str, float] = Field(description="of each live journey with a goal", examples=[{"lifecycle": 14.0}])
    transactional: bool = Field(description="whether transactional mail is credited too", examples=[False])


class MailsReport(BaseModel):
    """What came of mails, by the day on which they were accepted."""

    model_config = ConfigDict(serialize_by_alias=True)

    by: MailGrouping
    since: date | None = Field(alias="from", description="null: ever", examples=["2026-03-01"])
    until: date | None = Field(alias="to", examples=["2026-03-31"])
    mails: list[MailLineOut] = Field(description="the most sent first")
    orders: list[OrdersOut]
    orders_in_main: OrdersInMain | None = Field(description="null: no main currency is set, or a rate is missing")
    main: MainCurrencyOut | None = Field(description="null: no main currency is set")
    windows: AttributionWindows
    told: str = Field(examples=["1,200 mails were sent, 96 converted; orders of 1,840.50 EUR are credited to them."])
