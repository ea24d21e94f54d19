"""Imports: what would become of a file."""

from typing import Any, Self

from pydantic import BaseModel, Field

from api.schemas.base import Shown
from api.schemas.operations import FileFormOut, OperationErrorOut
from services.imports.records.dry_run import ImportPreview


class ColumnPreviewOut(Shown):
    """A column of a table, or a field of JSON: what it becomes, and how many of its values are what."""

    column: str = Field(description="as the header has it", examples=["E-Mail"])
    becomes: str = Field(description="as it is known here", examples=["email"])
    texts: int = Field(examples=[2_300])
    numbers: int = Field(examples=[0])
    other: int = Field(description="lists, objects, yes and no of JSON", examples=[0])
    empty: int = Field(examples=[57])
    hint: str | None = Field(description="what may be wrong with it", examples=[None])


class RecordPreviewOut(BaseModel):
    """A record as it would be taken in."""

    line: int = Field(examples=[2])
    record: dict[str, Any] = Field(examples=[{"userId": "17", "email": "ann@example.com", "zip": "01067"}])


class PlacingOut(Shown):
    """What an import of events into a journey would come to: the `result` that its operation would have."""

    customers: int = Field(description="whom the file names", examples=[2_357])
    events: int = Field(description="that are new", examples=[6_919])
    enrolled: int = Field(description="runs that would begin or be placed", examples=[2_340])
    repeated: int = Field(description="events that are known by their `messageId`", examples=[0])
    already_enrolled: int = Field(description="who is in the journey and would be left alone", examples=[17])
    been_before: int = Field(description="who was in it, and may not come again", examples=[0])
    left_alone: list[str] = Field(description="ten of these two, by internal id", examples=[["cus_06h1pde63xtq0"]])


class ImportPreviewOut(BaseModel):
    """What an import of a file would do; nothing of it was kept."""

    kind: str = Field(examples=["customers"])
    form: FileFormOut
    records: int = Field(description="that were read", examples=[2_357])
    columns: list[ColumnPreviewOut]
    rows: list[RecordPreviewOut] = Field(description="the first ten")
    error_count: int = Field(description="lines that would not be taken", examples=[1])
    errors: list[OperationErrorOut] = Field(description="the first hundred of them")
    placing: PlacingOut | None = Field(
        default=None,
        description="of events with a journey; null for more than 100,000 of them, of which the import alone can tell",
    )

    @classmethod
    def of(cls, kind: str, found: ImportPreview) -> Self:
        """What was found out about a file of this kind."""
        return cls(
            kind=kind,
            form=FileFormOut.model_validate(found.form),
            records=found.records,
            columns=[ColumnPreviewOut.model_validate(one) for one in found.columns],
            rows=[RecordPreviewOut(line=line, record=dict(record)) for line, record in found.rows],
            error_count=found.error_count,
            errors=[OperationErrorOut.model_validate(one) for one in found.errors],
            placing=PlacingOut(**found.placing) if found.placing is not None else None,
        )
