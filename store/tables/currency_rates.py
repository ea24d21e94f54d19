"""What currencies are worth, day by day."""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel


class CurrencyRate(SQLModel, table=True):
    """What one unit of a currency was worth in the main currency on a day (`2026-03-02`), as decimal text: `0.9215`."""

    __tablename__: ClassVar[Any] = "currency_rate"

    main: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    rate: str
