"""Users and their sessions."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from services.access.signing_in.roles import Role

ROLES = ", ".join(Role)


class UserIn(BaseModel):
    """Somebody who is invited."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "bea@shop.example", "roles": ["support"]}]}
    )

    email: str = Field(min_length=3, max_length=320)
    name: str = Field("", max_length=100, description="what the pages and the audit log call them")
    roles: list[str] = Field(description=f"of {ROLES}")
    mail: bool = Field(True, description="mail them the link, too")


class UserChange(BaseModel):
    """What is to be another; null leaves it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"roles": ["marketer"]}]})

    name: str | None = Field(None, min_length=1, max_length=100)
    roles: list[str] | None = Field(None, description=f"of {ROLES}")


class UserOut(Shown):
    """Somebody who signs in to the pages."""

    id: str = Field(examples=["usr_06h0ay4sys37zybcgkg3wbbb"])
    email: str = Field(examples=["bea@shop.example"])
    name: str = Field(examples=["Bea"])
    roles: list[str] = Field(examples=[["support"]])
    invited_by: str | None = Field(description="the id of a user or a key", examples=["key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
    last_sign_in_at: datetime | None
    disabled_at: datetime | None = Field(description="since then they are not let in", examples=[None])


class UserInvited(UserOut):
    """Somebody who was invited, with what signs them in."""

    link: str = Field(
        description="signs them in once, within a week", examples=["https://desk.shop.example/sign-in/lnk_…"]
    )


class SessionOut(Shown):
    """A browser in which somebody is signed in."""

    id: str = Field(examples=["ses_06h0ay4sys37zybcgkg3wbbb"])
    agent: str = Field(description="what the browser calls itself", examples=["Mozilla/5.0 (X11; Linux x86_64) …"])
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
