"""Files of lines: read a record at a time, whatever they hold (fault 29). What is wrong is one line's own error."""

import io
import tracemalloc
from typing import Any

import pytest

from services.imports import csv_and_ndjson
from services.imports.csv_and_ndjson import UnreadableFile

LONG = csv_and_ndjson.LONGEST_LINE


def read(text: str | bytes, format: str = "csv") -> list[tuple[int, Any]]:
    """Line numbers with records, an error as its sentence."""
    data = text.encode() if isinstance(text, str) else text
    found = csv_and_ndjson.records(io.BytesIO(data), format, ("userId",) if format == "csv" else ())
    return [(number, str(one) if isinstance(one, ValueError) else one) for number, one in found]


def test_a_record_may_go_on_over_several_lines() -> None:
    text = '\ufeffuserId;note\r\n1;"two\r\nlines"\r\n\r\n2;""\r\n'
    assert read(text) == [(3, {"userId": "1", "note": "two\r\nlines"}), (5, {"userId": "2"})]


def test_a_line_without_an_end_is_one_error_and_no_memory() -> None:
    """A hundred megabytes in one cell, between two good lines."""

    class Long(io.RawIOBase):
        parts = [b"userId\n1\n", *[b"x" * 1_000_000] * 100, b"\n2\n"]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            if not self.parts:
                return 0
            part = self.parts[0][: len(buffer)]
            self.parts[0] = self.parts[0][len(part) :]
            if not self.parts[0]:
                del self.parts[0]
            buffer[: len(part)] = part
            return len(part)

    tracemalloc.start()
    found = [
        (number, str(one)) for number, one in csv_and_ndjson.records(io.BufferedReader(Long()), "csv", ("userId",))
    ]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    why = "the line is no CSV: it is too long; a record has at most 65,536 characters"
    assert found == [(2, "{'userId': '1'}"), (3, why), (4, "{'userId': '2'}")]
    assert most < 10 * 1024**2


@pytest.mark.parametrize("opened", ['1,"never closed\n', '1,"a","b\n'])
def test_a_quotation_mark_that_is_never_closed_swallows_no_line(opened: str) -> None:
    rest = [f"{number},fine\n" for number in range(2, 20_000)]
    found = read("userId,note,more\n" + opened + "".join(rest))
    why = "the line is no CSV: a quotation mark is not closed; a record has at most 65,536 characters"
    assert found[0] == (2, why)
    assert found[1:] == [(number + 1, {"userId": str(number), "note": "fine"}) for number in range(2, 20_000)]


def test_a_record_of_ever_more_cells_over_ever_more_lines_ends() -> None:
    (line, why), *others = read("userId,note\n1," + '"a\n",' * 30_000)
    assert (line, "a quotation mark is not closed" in why) == (2, True)
    assert all(sum(map(len, one.values())) <= LONG for _, one in others if isinstance(one, dict))


def test_a_million_blank_lines_are_no_record() -> None:
    assert read("userId\n1\n" + "\n" * 1_000_000 + "2\n") == [(2, {"userId": "1"}), (1_000_003, {"userId": "2"})]


@pytest.mark.parametrize("header", ["userId," + "x" * LONG, "x" * LONG * 3])
def test_a_header_without_an_end_is_refused(header: str) -> None:
    with pytest.raises(UnreadableFile, match=r"the header cannot be read: it is too long"):
        read(header + "\n1,2\n")
    with pytest.raises(UnreadableFile, match=r"the header is longer than 65,536 bytes"):
        csv_and_ndjson.check_header(header.encode()[: csv_and_ndjson.SAMPLE], "csv", ("userId",))


def test_a_file_in_another_encoding_is_told_in_a_sentence() -> None:
    with pytest.raises(UnreadableFile, match="the file is not UTF-8; save it as UTF-8 and import it again"):
        read("userId,name\n1,Jürgen\n".encode("latin-1"))
    assert read("userId: Jürgen".encode("latin-1"), "ndjson") == [(1, "the line is not UTF-8")]


def test_a_long_line_of_json_is_one_error() -> None:
    text = '{"userId": "1"}\n{"x": "' + "x" * LONG * 3 + '"}\n{"userId": "2"}\n'
    assert read(text, "ndjson") == [
        (1, {"userId": "1"}),
        (2, "the line is longer than 65,536 bytes"),
        (3, {"userId": "2"}),
    ]
