"""Customers."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from api.schemas.enrollments import EnrollmentOut
from services.reports.customer.customer_view import CustomerStanding


class CustomerIn(BaseModel):
    """Attributes to merge into a customer; null removes one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"attributes": {"email": "ann@example.com", "first_name": "Ann", "timezone": "Europe/Berlin"}}]
        },
    )

    attributes: dict[str, Any]


class CustomerOut(Shown):
    """A customer's profile."""

    id: str = Field(description="the internal, opaque id", examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    external_id: str | None = Field(description="the id you gave", examples=["17"])
    email: str | None = Field(examples=["ann@example.com"])
    timezone: str | None = Field(examples=["Europe/Berlin"])
    attributes: dict[str, Any] = Field(examples=[{"first_name": "Ann"}])
    events: dict[str, Any] = Field(
        description="per event name: count, first_at, last_at, sum",
        examples=[{"Order Completed": {"count": 2, "first_at": None, "last_at": None, "sum": 40.5}}],
    )
    segments: list[str] = Field(description="the segments the customer is in", examples=[["loyal"]])
    created_at: datetime


class ProfileOut(Shown):
    """One of the customers who are meant by what was asked for."""

    id: str = Field(description="ask for this one to see them alone", examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    external_id: str | None = Field(examples=["17"])
    email: str | None = Field(examples=["ann@example.com"])
    lifecycle_stage: str | None = Field(default=None, examples=["repeat_buyer"])
    created_at: datetime


class CustomerStatus(BaseModel):
    """Where a customer is: the profile, the lifecycle stage, and every enrollment.

    `profiles` are all who have the address that was asked for, the oldest first (20 at most); by an id it is one.
    """

    profiles: list[ProfileOut]
    customer: CustomerOut
    lifecycle_stage: str | None = Field(examples=["repeat_buyer"])
    enrollments: list[EnrollmentOut]

    @classmethod
    def of(cls, standing: CustomerStanding) -> "CustomerStatus":
        """The same as the API shows it."""
        return cls(
            profiles=[
                ProfileOut.model_validate(one).model_copy(update={"lifecycle_stage": standing.stages.get(one.id)})
                for one in standing.profiles
            ],
            customer=CustomerOut.model_validate(standing.customer),
            lifecycle_stage=standing.stages.get(standing.customer.id),
            enrollments=[EnrollmentOut.model_validate(one) for one in standing.enrollments],
        )
