"""Answers of any length: lines that are written as they are read."""

from fastapi.responses import StreamingResponse


class StreamedNdjson(StreamingResponse):
    """JSON, a line for each thing."""

    media_type = "application/x-ndjson"


class StreamedCsv(StreamingResponse):
    """A table as a file of any length."""

    media_type = "text/csv"
