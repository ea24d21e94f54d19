"""Reports."""

from pydantic import BaseModel, Field


class StepCount(BaseModel):
    stage: str = Field(examples=["repeat_buyer"])
    step: str | None = Field(examples=["repeat_buyer/wait:14 days"])
    count: int = Field(examples=[12])


class LifecycleReport(BaseModel):
    journey: str | None = Field(examples=["lifecycle"])
    stages: dict[str, int] = Field(examples=[{"core": 192, "repeat_buyer": 107}])
    steps: list[StepCount]
    movements: dict[str, int] = Field(examples=[{"->first_time_buyer": 2357, "lapsed->repeat_buyer": 310}])
