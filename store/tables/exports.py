"""Where the positions of the export are counted from, and which of them were given out by when."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at


class ExportCounter(SQLModel, table=True):
    """Its one row: on SQLite the last position that was given, on PostgreSQL what a transaction's number is added to.

    Triggers of the migrations read it, and on SQLite count in it.
    """

    __tablename__: ClassVar[Any] = "export_counter"

    id: int = Field(primary_key=True)
    base: int = Field(sa_type=BigInteger)


class ExportMark(SQLModel, table=True):
    """What is written after this instant has this position, or a larger one."""

    __tablename__: ClassVar[Any] = "export_mark"

    at: datetime = _at(primary_key=True)
    position: int = Field(sa_type=BigInteger)
