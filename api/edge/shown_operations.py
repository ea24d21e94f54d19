"""Operations as they are shown: how far each is, how fast it goes, and how long it still takes."""

from datetime import datetime

from api.schemas.operations import FileFormOut, OperationOut
from services.imports.files.file_form import FileForm
from store.statuses import OperationStatus
from store.tables.access import Operation


def operation_out(operation: Operation, now: datetime) -> OperationOut:
    """An operation with its rate, and the time that is left at that rate."""
    shown = {name: getattr(operation, name) for name in OperationOut.model_fields if hasattr(operation, name)}
    elapsed = ((operation.finished_at or now) - operation.started_at).total_seconds() if operation.started_at else 0
    rate = round(operation.done / elapsed, 1) if elapsed > 0 else None
    left = (operation.total or 0) - operation.done if operation.status == OperationStatus.RUNNING else 0
    seconds_left = round(left / rate) if rate and left > 0 else None
    form = FileForm.from_json(operation.request) if "format" in operation.request else None
    file = FileFormOut.model_validate(form) if form is not None else None
    return OperationOut(**shown, rate=rate, seconds_left=seconds_left, file=file)
