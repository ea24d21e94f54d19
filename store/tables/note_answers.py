"""What colleagues answered to the notes that handed customers over to them, and how many notes were answered how."""

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from store.types import instant_column as _at


class NoteAnswer(SQLModel, table=True):
    """The answer to a note: the last one, since it can be changed on its page.

    `hook_id` is the note's. `seconds` is how long the first answer took, and is kept when it is changed.
    """

    __tablename__: ClassVar[Any] = "note_answer"

    hook_id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    journey: str
    stage: str
    step: str
    answer: str
    seconds: int
    at: datetime = _at()
    changed_at: datetime = _at()


class NoteCount(SQLModel, table=True):
    """How many notes of a step were answered so, after so long (a bucket of `store.log_buckets`).

    The empty answer, in bucket 0, counts those that wait for one. Erasing a customer changes no count.
    """

    __tablename__: ClassVar[Any] = "note_count"

    journey: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    answer: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    count: int = 0
