"""Where the positions of the export are counted from."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class ExportCounter(SQLModel, table=True):
    """Its one row: on SQLite the last position that was given, on PostgreSQL what a transaction's number is added to.

    Triggers of the migrations read it, and on SQLite count in it.
    """

    __tablename__: ClassVar[Any] = "export_counter"

    id: int = Field(primary_key=True)
    base: int = Field(sa_type=BigInteger)
