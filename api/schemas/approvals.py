"""Requests that a draft be published, and what an approver says to them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from services.changes.publication.approval_requests import LONGEST
from store.statuses import ApprovalStatus


class ApprovalIn(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"plan": "op_06h0ay4t1dthcgt67nd2berw", "in_flight": "move"}]}
    )

    plan: str | None = Field(
        None, max_length=40, description="the token of the draft's plan; absent where it was never published"
    )
    in_flight: Literal["pin", "move"] | None = Field(
        None, description="pin: those under way keep their version; move: as the plan has told; absent: as was planned"
    )
    note: str = Field("", max_length=LONGEST, description="what an approver should know", examples=["for Friday"])


class ConfirmIn(BaseModel):
    """What is confirmed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"plan": "op_06h0ay4t1dthcgt67nd2berw"}]})

    plan: str | None = Field(max_length=40, description="of the request, as it was looked at; another one is refused")


class DeclineIn(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "not before the holidays"}]})

    reason: str = Field("", max_length=LONGEST, description="must be given by whoever did not ask for it themselves")


class ApprovalOut(Shown):
    """A request that a draft be published."""

    id: str = Field(examples=["apr_06h0ay4sys37zybcgkg3wbbb"])
    journey: str = Field(examples=["lifecycle"])
    revision: int = Field(description="of the draft", examples=[7])
    plan: str | None = Field(description="the token of the plan", examples=["op_06h0ay4t1dthcgt67nd2berw"])
    in_flight: Literal["pin", "move"] = Field(examples=["move"])
    note: str = Field(examples=["for Friday"])
    status: ApprovalStatus = Field(examples=["open"])
    asked_by: str = Field(description="the id of a user or a key", examples=["usr_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
    decided_by: str | None = Field(description="the id of a user or a key", examples=[None])
    decided_at: datetime | None = Field(examples=[None])
    reason: str | None = Field(description="why it was declined or withdrawn", examples=[None])
    version: int | None = Field(description="what it was published as", examples=[None])
