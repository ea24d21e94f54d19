"""Column types that behave alike on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Index
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field

from store.dialect import named, text_type


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As the database wants it; raise ValueError for an instant without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must carry its zone")
        value = value.astimezone(UTC)
        return value if named(dialect.name).zones else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone again."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def as_text(value: datetime | None) -> str | None:
    """An instant as SQLite keeps it (None stays), made in a third of the time that the general way takes."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:26]


TextByCodePoint: Any = text_type()
"""Text that is sorted by its code points on both databases, so that an index finds what begins with something."""


class Json(TypeDecorator[Any]):
    """A column of JSON: JSONB on PostgreSQL, text on SQLite.

    Which one is asked at the first statement, so that a process on one of them takes up nothing of the other.
    """

    impl = JSON
    cache_ok = True
    should_evaluate_none = True  # None is JSON's null, as with JSON itself

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of this database."""
        return dialect.type_descriptor(named(dialect.name).json())

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """What a part is compared with is no JSON itself."""
        return self.impl_instance.coerce_compared_value(op, value)


OrderedJson: Any = JSON()
"""A column of JSON whose keys keep the order in which they were written: text on both databases."""


def instant_column(**options: Any) -> Any:
    """A column that keeps an instant."""
    return Field(sa_type=Instant, **options)


def json_column(**options: Any) -> Any:
    """A column that keeps JSON."""
    return Field(sa_type=Json, **options)


def ordered_json_column(**options: Any) -> Any:
    """A column that keeps JSON, and the order of its keys."""
    return Field(sa_type=OrderedJson, **options)


def partial_index(name: str, *columns: str, of: str, unique: bool = False) -> Index:
    """An index of those rows alone for which a condition holds; a statement that says the same finds it.

    With `unique` no two of these rows are alike in the columns. The migration says the condition to the database; here
    it stands as the index's `info`, by no database's name.
    """
    return Index(name, *columns, unique=unique, info={"of": of})
