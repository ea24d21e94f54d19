"""People who sign in: who they are, the links that let them in, and their sessions in browsers."""

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json


class User(SQLModel, table=True):
    """Somebody who signs in to the pages. Users are disabled and never deleted: the audit log names them."""

    __tablename__: ClassVar[Any] = "user_account"  # `user` is a word of SQL

    id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    name: str
    roles: list[str] = _json(default_factory=lambda: [])
    password: str | None = None
    invited_by: str | None = None
    created_at: datetime = _at()
    last_sign_in_at: datetime | None = _at(default=None)
    disabled_at: datetime | None = _at(default=None)


class SignInLink(SQLModel, table=True):
    """A link that signs somebody in once; without a user it makes the first admin."""

    __tablename__: ClassVar[Any] = "sign_in_link"

    id: str = Field(primary_key=True)
    user_id: str | None = Field(default=None, index=True)
    created_at: datetime = _at()
    expires_at: datetime = _at(index=True)
    used_at: datetime | None = _at(default=None)


class UserSession(SQLModel, table=True):
    """One browser in which somebody is signed in; of what its cookie holds only a hash is kept."""

    __tablename__: ClassVar[Any] = "user_session"

    id: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    user_id: str = Field(index=True)
    agent: str
    created_at: datetime = _at()
    last_used_at: datetime = _at()
    expires_at: datetime = _at(index=True)
    revoked_at: datetime | None = _at(default=None)


class UserIdentity(SQLModel, table=True):
    """The account of a user at an OpenID Connect provider: `subject` is what the provider calls it, for ever."""

    __tablename__: ClassVar[Any] = "user_identity"

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    user_id: str = Field(index=True)
    created_at: datetime = _at()
